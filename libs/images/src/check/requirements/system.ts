import type { ImageContents } from '../reading/image-contents.js';
import { fault, ok, type Outcome, type Requirement, warning } from './requirement.js';

export const architecture: Requirement = {
  check: 'architecture',
  look({ description }) {
    const found = description.architecture;
    if (found === null) {
      return warning(
        'What processors it is made for could not be found out: none of its shells is a program.',
        'Make sure that it is the root file system of an x86_64 Linux.',
      );
    }
    return architectureOutcome(found);
  },
};

export function architectureOutcome(found: string): Outcome {
  if (found === 'x86_64') return ok(`It is made for ${found}.`);
  return fault(
    `It is made for ${found}, and machines that dodai installs are x86_64.`,
    'Get the same image for x86_64 (amd64).',
  );
}

export const systemd: Requirement = {
  check: 'systemd',
  async look({ contents }) {
    const found = await contents.firstOf('/usr/lib/systemd/systemd', '/lib/systemd/systemd');
    if (found !== undefined) return ok('systemd starts it.');
    return fault(
      'It is not started by systemd, which runs what reports to dodai that the installation came up.',
      'Take an image with systemd, or install it in this one.',
    );
  },
};

const kernelName = /^(vmlinuz|vmlinux|bzImage|kernel|linux$)/;
const initramfsName = /^(initrd|initramfs)/;

/** The names in /boot, in the directories that kernel-install makes there, and where Arch and Fedora keep kernels too. */
async function bootNames(contents: ImageContents): Promise<string[]> {
  const names = [...(await contents.list('/boot'))];
  const machineId = names.filter((name) => /^[0-9a-f]{32}$/.test(name));
  for (const id of machineId) {
    for (const version of await contents.list(`/boot/${id}`))
      names.push(...(await contents.list(`/boot/${id}/${version}`)));
  }
  const unified = await contents.list('/boot/efi/EFI/Linux');
  return unified.length > 0 ? [...names, 'vmlinuz', 'initrd'] : names;
}

export const kernel: Requirement = {
  check: 'kernel',
  async look({ contents }) {
    const names = await bootNames(contents);
    const [kernels, initramfs] = [names.filter(isKernel), names.filter((name) => initramfsName.test(name))];
    if (kernels.length === 0) {
      return fault(
        'There is no kernel in its /boot: it may be made for containers.',
        'Install one in the image (Debian: linux-image-amd64, Ubuntu: linux-image-generic), with its initramfs.',
      );
    }
    if (initramfs.length === 0) {
      return warning(
        'There is a kernel in its /boot, but no initramfs: it starts only where all it needs is built in.',
        'Make one in the image: update-initramfs -c -k all (dracut --regenerate-all on Fedora and its kin).',
      );
    }
    return ok('It has a kernel with its initramfs.');
  },
};

const isKernel = (name: string) => kernelName.test(name);

/** As templates/snippets/network.sh chooses. */
async function networkWay(contents: ImageContents): Promise<string | undefined> {
  const has = async (...paths: string[]) => (await contents.firstOf(...paths)) !== undefined;
  if (await has('/usr/sbin/netplan')) return 'netplan';
  if ((await has('/usr/sbin/ifup', '/sbin/ifup')) && (await has('/etc/network'))) return 'ifupdown';
  const managed = await has('/etc/systemd/system/multi-user.target.wants/NetworkManager.service');
  const networkd = await has('/usr/lib/systemd/systemd-networkd', '/lib/systemd/systemd-networkd');
  if (networkd && !managed) return 'systemd-networkd';
  return (await has('/usr/sbin/NetworkManager')) ? 'NetworkManager' : undefined;
}

export const network: Requirement = {
  check: 'network',
  async look({ contents }) {
    const way = await networkWay(contents);
    if (way !== undefined) return ok(`dodai sets up its network with ${way}.`);
    return fault(
      'It has nothing that dodai can set up its network with.',
      'Install systemd-networkd, NetworkManager, netplan or ifupdown in the image.',
    );
  },
};

export const selinux: Requirement = {
  check: 'selinux',
  async look({ contents }) {
    const settings = (await contents.text('/etc/selinux/config')) ?? '';
    if (!/^\s*SELINUX\s*=\s*enforcing\b/m.test(settings)) return ok('SELinux turns nothing away.');
    return warning(
      'SELinux is enforced, and what dodai writes into it has no labels: SSH keys and the report to dodai may be turned away.',
      'Set SELINUX=permissive in /etc/selinux/config of the image; the owner can label the files and enforce it again.',
    );
  },
};
