import { awaitedOnSsh, type Evidence, factsOf, isAwaited } from '../evidence.js';
import { type Found, rules } from '../rule.js';
import * as signs from '../signs.js';

function isFirstBoot(evidence: Evidence): boolean {
  return evidence.stage === 'booting_disk' && isAwaited(evidence);
}

function found({ inStage }: Evidence, told: Found): Found {
  const shown = inStage.filter((event) =>
    [signs.isDhcp, signs.isTftp, signs.isMetadata].some((isOne) => isOne(event)),
  );
  return { ...told, evidence: factsOf(shown) };
}

const missing = 'The word installed, which a service of the installed OS says.';

/** From the second power on to the word of the installed OS. */
export const firstBoot = rules(
  {
    id: 'boots-network-again',
    weight: 'cause',
    means:
      'The machine was told to boot its disk and asked the network again: the disk does not boot, or the OS restarts.',
    check: [
      'Look at the screen or the serial console at the moment when the disk is booted: no boot device, a GRUB prompt, a kernel panic.',
      'See that the disk the OS was written to is the one that the firmware boots first.',
      'Some firmware cannot go on from the network to the disk (LOCALBOOT): put the disk behind the network in its boot order.',
    ],
    find: (evidence) => {
      const times = evidence.inStage.filter(signs.isConfiguration).length;
      return isFirstBoot(evidence) && times > 1
        ? found(evidence, {
            says: `The machine asked the network what to boot ${times} times, and was told its disk each time.`,
            missing: 'An OS that starts from the disk and stays up.',
          })
        : undefined;
    },
  },
  {
    id: 'no-answer-on-ssh',
    weight: 'cause',
    means:
      'The image says that its OS is up when it answers on SSH (completion), and at no address of it does an SSH server.',
    check: [
      'Look at the screen or the serial console: whether the OS came up, and with which address.',
      'See that an SSH server is installed and enabled in it, on port 22, and that no firewall keeps the controller out: `ssh-keyscan` from its host.',
      'See that the addresses are those of the OS: static ones of the instance, else serviceIp and pxeIp of the machine.',
      'An OS that cannot answer can say it: notify `installed`.',
    ],
    find: (evidence) => {
      const awaits = awaitedOnSsh(evidence);
      if (awaits === undefined || !isAwaited(evidence)) return undefined;
      return found(evidence, {
        says: `The machine was switched on with its OS, and was waited for in vain so far: ${awaits}.`,
        missing: 'A greeting of an SSH server there.',
      });
    },
  },
  {
    id: 'metadata-never-asked',
    weight: 'cause',
    means:
      'The instance has no config drive, and its OS never asked the metadata service: it has neither name nor keys, and perhaps no network.',
    check: [
      'See that the machine has a way to the metadata service: `curl http://169.254.169.254/openstack` on it, or the URL it was given.',
      'See that the image looks for it: cloud-init with OpenStack, Ec2 or NoCloud in its `datasource_list`, or `ds=nocloud-net;s=URL` as a kernel argument.',
      'See that the service is on (DODAI_METADATA_PORT), and that its log names no stranger: an address that is nobody’s is not answered.',
      'Or spawn it with a config drive, which needs no network.',
      'An image without cloud-init does not ask: then `systemctl status dodai-installed` at its console says what became of the report.',
    ],
    find: (evidence) => {
      const { inStage, instance } = evidence;
      const isAwaitedToAsk = isFirstBoot(evidence) && instance?.configuration.configDrive === false;
      if (!isAwaitedToAsk || inStage.some(signs.isMetadata)) return undefined;
      if (!inStage.some(signs.isSystemDhcp) && !inStage.some(signs.isConfiguration)) return undefined;
      return found(evidence, {
        says: 'The machine went on to boot its disk, and its OS never asked the metadata service who it is.',
        missing: 'A request of the installed OS to the metadata service.',
      });
    },
  },
  {
    id: 'came-up-never-installed',
    weight: 'cause',
    means:
      'The machine went on to boot its disk, or its OS asked for an address or its metadata, and the OS never said installed.',
    check: [
      'Log in at the console: `systemctl status dodai-installed` says what became of the report.',
      'See that the OS has an address and reaches DODAI_PUBLIC_URL; it tries again and again, so a network that is mended ends the wait.',
      'When the console shows no login: the image does not boot on this machine.',
    ],
    find: (evidence) => {
      const { inStage } = evidence;
      const isInMemory = evidence.stage === 'starting' && isAwaited(evidence);
      if (!isFirstBoot(evidence) && !isInMemory) return undefined;
      if (inStage.some(signs.isMetadata))
        return found(evidence, {
          says: 'The OS came up and asked the metadata service who it is, and never said installed.',
          missing,
        });
      if (isInMemory) return undefined; // what is before that belongs to the boot from the network
      if (inStage.some(signs.isSystemDhcp))
        return found(evidence, {
          says: 'The installed OS came up and asked for an address, and never said installed.',
          missing,
        });
      if (!inStage.some(signs.isConfiguration)) return undefined;
      return found(evidence, {
        says: 'The machine was told to boot its disk, and the OS on it never said installed.',
        missing,
      });
    },
  },
  {
    id: 'nothing-since-first-boot',
    weight: 'cause',
    means: 'The machine was switched on with the OS on its disk, and nothing was heard of it.',
    check: [
      'Look at the serial console: a machine that boots its disk first asks the network nothing.',
      'When it stands in its firmware, or at GRUB: see that the disk the OS was written to is the one that is booted.',
      'When the OS is up: `systemctl status dodai-installed` on it, and its network.',
    ],
    find: (evidence) =>
      isFirstBoot(evidence)
        ? {
            says: 'The machine was switched on with the OS on its disk, and nothing was heard of it since.',
            missing,
            evidence: factsOf(evidence.inStage),
          }
        : undefined,
  },
);
