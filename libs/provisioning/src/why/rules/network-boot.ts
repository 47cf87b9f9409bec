import type { TimelineEvent } from '#core';
import { biosLoader, uefiLoader } from '#netboot';
import { awaitedOnSsh, type Evidence, factsOf, isAwaited } from '../evidence.js';
import { reached } from '../milestones.js';
import { networkStart } from '../network-start.js';
import { type Found, rules } from '../rule.js';
import * as signs from '../signs.js';

/** That its kernel or its initial RAM disk was refused. */
function refusedStarts(evidence: Evidence): TimelineEvent[] {
  const { kernelPath, initrdPath } = networkStart(evidence);
  return evidence.inStage.filter(signs.isStartFile([kernelPath, initrdPath], 'refused'));
}

const isOnTheWay = ({ kind }: TimelineEvent) => /^(dhcp|tftp|http)\./.test(kind);

function found({ inStage }: Evidence, told: Found): Found {
  return { ...told, evidence: factsOf(inStage.filter(isOnTheWay)) };
}

const bootsFromNetwork = ({ machine: { bootMode } }: Evidence) =>
  `See that the machine boots from the network first, from the card with this MAC, in ${bootMode === 'uefi' ? 'UEFI' : 'BIOS'} mode.`;
/** What it is told to load. */
const loaderOf = ({ machine: { bootMode } }: Evidence) => (bootMode === 'uefi' ? uefiLoader : biosLoader);

function configurationOf({ machine: { bootMode, pxeMac } }: Evidence): string {
  const name = `01-${pxeMac.replaceAll(':', '-')}`;
  return bootMode === 'uefi' ? `grub/grub.cfg-${name}` : `pxelinux.cfg/${name}`;
}

/** From power on to what was started over the network. What was refused comes before what merely did not come. */
export const networkBoot = rules(
  {
    id: 'script-refused',
    weight: 'cause',
    means: 'What was started asked for a script, or for its answers, that are not what it is to have now.',
    check: [
      'See what was asked for: its address is on the kernel command line, which comes from the configuration of the loader.',
      'When the address is of another instance: another PXE server, or an old configuration, answered the machine.',
    ],
    find: (evidence) => {
      const refusals = evidence.inStage.filter(signs.isScriptRefused);
      const last = refusals.at(-1);
      if (!last || evidence.inStage.some(signs.isScript) || !isAwaited(evidence)) return undefined;
      return {
        says: `The machine asked for what it is to do, and was refused: ${last.message}`,
        missing: `A fetch of the ${networkStart(evidence).first} of its own instance.`,
        evidence: factsOf(refusals),
      };
    },
  },
  {
    id: 'live-image-missing',
    weight: 'cause',
    means: 'The machine asked for the kernel or the initrd that it is to start, and the controller has none.',
    check: [
      'Build the live image and see that DODAI_LIVE_IMAGE_DIR is its folder, with vmlinuz and initrd.img.',
      'Of an installer, or an OS that runs in memory: see that the image says where in it kernel and initrd are (`dodai images show`).',
      'Then retry, or let the machine ask again.',
    ],
    find: (evidence) => {
      const at = reached(evidence);
      const refusals = refusedStarts(evidence);
      const { what } = networkStart(evidence);
      if (refusals.length === 0 || (at !== 'configuration' && at !== 'kernel')) return undefined;
      return {
        says: `The machine asked for ${what}, which the controller could not give it.`,
        missing: `The kernel and the initrd of ${what}.`,
        evidence: factsOf(refusals),
      };
    },
  },
  {
    id: 'tftp-broken-off',
    weight: 'cause',
    means: 'The machine asked for a file by TFTP that is not served, or the transfer broke off.',
    check: [
      'A file that is not served: the DHCP server names another loader than lpxelinux.0 (BIOS) or bootx64.efi (UEFI).',
      'One of bootx64.efi and grubx64.efi: they come with the live image; build it anew and see that DODAI_LIVE_IMAGE_DIR is its folder.',
      'A transfer that broke off: something between drops UDP packets or fragments; set DODAI_TFTP_SINGLE_PORT for firewalls.',
    ],
    find: (evidence) => {
      const at = reached(evidence);
      const broken = evidence.inStage.filter(
        (event) => signs.isLoaderRefused(event) || event.kind === 'tftp.failed',
      );
      if (broken.length === 0 || (at !== 'nothing' && at !== 'dhcp' && at !== 'loader')) return undefined;
      return {
        says: `A transfer by TFTP came to nothing: ${broken.at(-1)?.message}`,
        missing: `The loader, ${loaderOf(evidence)}, and its configuration.`,
        evidence: factsOf(broken),
      };
    },
  },
  {
    id: 'boots-disk-instead',
    weight: 'cause',
    means:
      'An operating system asked for an address, the boot firmware did not: the machine booted its disk.',
    check: [
      'Set the boot order of the machine to network first, then disk.',
      'See that the card with the MAC of the record is the one that may boot from the network.',
    ],
    find: (evidence) => {
      const { inStage } = evidence;
      const isOs = inStage.some(signs.isSystemDhcp) && !inStage.some(signs.isFirmwareDhcp);
      if (reached(evidence) !== 'dhcp' || !isOs) return undefined;
      return found(evidence, {
        says: 'The machine was switched on and an operating system asked for an address, but no boot firmware did.',
        missing: 'A network boot: the machine started what is on its disk.',
      });
    },
  },
  {
    id: 'dhcp-not-answered',
    weight: 'cause',
    means: 'The machine asked for an address and dodai had none for it.',
    check: [
      'Give the machine an address of its own (`dodai machines set … --pxe-ip`), or widen DODAI_DHCP_RANGE.',
      'See that the address is in the network of the interface that DHCP listens on.',
    ],
    find: (evidence) => {
      const { inStage, site } = evidence;
      const wasOffered = inStage.some(({ kind }) => /^dhcp\.(offer|ack|proxy)$/.test(kind));
      if (reached(evidence) !== 'dhcp' || wasOffered || site.dhcp !== 'full') return undefined;
      const note = inStage.findLast(({ data }) => typeof data.note === 'string')?.data.note;
      return found(evidence, {
        says: `The machine asked for an address and was given none${typeof note === 'string' ? `: ${note}` : ''}.`,
        missing: 'An address for it.',
      });
    },
  },
  {
    id: 'no-dhcp-request',
    weight: 'cause',
    means: 'The machine was switched on, and nothing was heard of it, not even a request for an address.',
    check: [
      'Look at its screen or its serial console: does it stand in its firmware, or in another boot device?',
      'Look at the link of the card, the VLAN of the switch port, and at spanning tree, which can keep a port shut for 30 s.',
      'Compare the MAC of the record with the card that boots.',
      'See that DHCP requests reach the interface in DODAI_DHCP_INTERFACE; across routers they need a relay.',
    ],
    find: (evidence) =>
      reached(evidence) === 'nothing' && evidence.site.dhcp !== 'off'
        ? {
            says: 'The machine is on, and no DHCP request of it was seen.',
            missing: `A DHCP request from ${evidence.machine.pxeMac}.`,
            next: [bootsFromNetwork(evidence)],
          }
        : undefined,
  },
  {
    id: 'nothing-seen',
    weight: 'cause',
    means:
      'The machine was switched on, and nothing was heard of it. DHCP is not ours: whether it asked for an address is not known.',
    check: [
      'Look at the log of the DHCP server of the site: did this MAC ask, and was it given an address?',
      'See that this server names the controller as next server, and lpxelinux.0 (BIOS) or bootx64.efi (UEFI) as boot file (README, DHCP).',
      'Look at the screen or the serial console of the machine: does it stand in its firmware?',
      'Try TFTP to the controller from the network of the machines: UDP port 69 and the ports it answers from.',
    ],
    find: (evidence) =>
      reached(evidence) === 'nothing' && evidence.site.dhcp === 'off'
        ? {
            says: 'The machine is on, and asked for nothing by TFTP or HTTP. DODAI_DHCP is off: its DHCP requests go to a server of the site, so that none was seen here tells nothing.',
            missing: `A request for ${loaderOf(evidence)} by TFTP.`,
            next: [bootsFromNetwork(evidence)],
          }
        : undefined,
  },
  {
    id: 'dhcp-no-tftp',
    weight: 'cause',
    means: 'The machine got an address, and asked for no file by TFTP.',
    check: [
      'See which next server and boot file its DHCP answer names; two DHCP servers in one network answer by chance.',
      'See that UDP port 69 of the controller is reached from the network of the machines.',
      'A machine in UEFI mode takes no BIOS loader, and the other way round: its DHCP answer depends on option 93 (README, DHCP).',
    ],
    find: (evidence) =>
      reached(evidence) === 'dhcp'
        ? found(evidence, {
            says: 'The machine asked for an address by DHCP and then for no file.',
            missing: `A request for ${loaderOf(evidence)} by TFTP.`,
          })
        : undefined,
  },
  {
    id: 'loader-no-configuration',
    weight: 'cause',
    means: 'The loader was fetched, and did not ask for its configuration.',
    check: [
      'Look at the screen: a loader that hangs after its banner often has a network driver that does not suit this firmware (UNDI).',
      'With Secure Boot the shim refuses a GRUB that it does not know (Security Violation): see that the firmware trusts the Microsoft UEFI CA.',
      'Update the firmware of the network card; try another card or port.',
      'Large packets that are lost show here first: see the MTU on the way.',
    ],
    find: (evidence) =>
      reached(evidence) === 'loader'
        ? found(evidence, {
            says: 'The machine fetched its loader, which never asked for its configuration.',
            missing: `A request for ${configurationOf(evidence)} by TFTP.`,
          })
        : undefined,
  },
  {
    id: 'configuration-no-kernel',
    weight: 'cause',
    means: 'The loader has its configuration, and did not fetch the kernel.',
    check: [
      'The loader fetches it by HTTP from DODAI_PUBLIC_URL: see that this address is right as seen from the machines, and not filtered.',
      'A host name in it needs a name server in the DHCP answer; an address needs none.',
      'The loader pxelinux.0 cannot speak HTTP, lpxelinux.0 and GRUB can: see which one the DHCP server names.',
    ],
    find: (evidence) =>
      reached(evidence) === 'configuration'
        ? found(evidence, {
            says: 'The loader has its configuration and never fetched the kernel.',
            missing: `A request for ${evidence.site.publicUrl}/${networkStart(evidence).kernelPath}.`,
          })
        : undefined,
  },
  {
    id: 'kernel-no-live-image',
    weight: 'cause',
    means: 'The kernel was fetched, and the initrd was not, or not to its end.',
    check: [
      'See whether the transfer broke off: the bytes are among the events.',
      'Look at the screen: a machine with too little memory stops here.',
    ],
    find: (evidence) =>
      reached(evidence) === 'kernel'
        ? found(evidence, {
            says: `The loader fetched the kernel, and not the whole initrd of ${networkStart(evidence).what}.`,
            missing: `A request for ${evidence.site.publicUrl}/${networkStart(evidence).initrdPath} that comes to its end.`,
          })
        : undefined,
  },
  {
    id: 'live-image-without-network',
    weight: 'cause',
    means:
      'Kernel and initrd were fetched, and what they start never asked for its script, its answers or its metadata: it does not run, or has no network.',
    check: [
      'Look at the serial console: the live image says which card it looks for, and why it fails.',
      'A card without a driver in what was started, or one that is called by another MAC than the record has.',
      'No DHCP answer for the running system: a server that only answers boot firmware, or a switch port that is slow to open.',
      'A kernel that panics: too little memory, or arguments that do not suit (DODAI_LIVE_KERNEL_ARGS, those of the instance type and of the image).',
      'An OS that runs in memory fetches the rest of itself first: see that it asked for that.',
    ],
    find: (evidence) => {
      if (reached(evidence) !== 'initrd' || awaitedOnSsh(evidence) !== undefined) return undefined;
      const { inStage, site } = evidence;
      const { what, first, initrdPath } = networkStart(evidence);
      const isInitrd = signs.isStartFile([initrdPath], 'completed');
      const afterInitrd = inStage.slice(inStage.findLastIndex(isInitrd) + 1);
      const hasAddress = afterInitrd.some(({ kind }) => kind === 'dhcp.ack');
      const network = hasAddress
        ? ' It got an address after that, so what it lacks is a way to the controller.'
        : site.dhcp === 'full'
          ? ' It asked for no address after that.'
          : '';
      return found(evidence, {
        says: `The kernel and the initrd were fetched, and ${what} never asked for ${first}.${network}`,
        missing: `A request for ${first} by HTTP.`,
      });
    },
  },
  {
    id: 'script-silent',
    weight: 'cause',
    means: 'The live image has its script, or an installer its answers, and never said that it begins.',
    check: [
      'See whether words of it were refused: a wrong token, or a state that is not due.',
      'Look at the serial console; the script waits for nothing before its first word.',
      'An installer first prepares itself. An answer file of the owner has to run `dodai.begin`.',
    ],
    find: (evidence) => {
      if (reached(evidence) !== 'first' || evidence.stage === 'starting') return undefined;
      const { what, first, word } = networkStart(evidence);
      const says = `The machine fetched ${first}, and ${what} never said ${word}.`;
      return found(evidence, { says, missing: `The word ${word}.` });
    },
  },
);
