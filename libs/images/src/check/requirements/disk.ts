import type { OpenedDisk } from '../opened-image.js';
import { fault, ok, type Requirement, warning } from './requirement.js';

const lastOf = ({ table }: OpenedDisk) =>
  table.partitions.toSorted((one, other) => other.startBytes - one.startBytes)[0];

export const partitionLayout: Requirement = {
  check: 'partition-layout',
  look({ disk, root, description }) {
    if (!disk || !root) return undefined;
    const beyond = disk.table.partitions.find((each) => each.startBytes + each.sizeBytes > disk.sizeBytes);
    if (beyond) {
      return fault(
        `Partition ${beyond.number} goes beyond the end of the image, which has ${disk.sizeBytes} bytes: it was cut short.`,
        'Make the image anew from the whole disk.',
      );
    }
    if (disk.roots.length > 1) {
      return warning(
        `There are operating systems in ${disk.roots.length} places on it; dodai takes the first, in partition ${description.rootPartition ?? 'none'}.`,
        'Leave one in the image.',
      );
    }
    const last = lastOf(disk);
    if (root.partition && last && last.number !== root.partition.number) {
      return warning(
        `Its root is partition ${root.partition.number}, and partition ${last.number} lies behind it: it cannot grow to the size of the disk.`,
        'Make the image with the root as the last partition of the disk.',
      );
    }
    return ok('Its root is the last partition, and can grow to the size of the disk.');
  },
};

export const lvm: Requirement = {
  check: 'lvm',
  look({ disk, root }) {
    if (!disk || !root) return undefined;
    if (root.partition === null) {
      return fault(
        `Its root is not a partition, but ${root.device.startsWith('(md') ? 'an array' : 'a logical volume'}: dodai can neither grow it nor put keys and names into it.`,
        'Make the image with the root in a plain partition, or send the root file system alone: dodai then makes the volumes (diskLayout).',
      );
    }
    const physical = disk.table.partitions.find(({ fileSystem }) => fileSystem === 'lvm');
    if (!physical) return ok('It uses no LVM.');
    return warning(
      `Partition ${physical.number} belongs to LVM, and two machines with this image have volume groups of one name and UUID.`,
      'Leave LVM out of the image, or rename the group on the first boot (vgimportclone).',
    );
  },
};

export const growpart: Requirement = {
  check: 'growpart',
  look({ disk, root }) {
    if (!disk) return ok('dodai makes its root file system as large as what it is installed on.');
    const isLast = root?.partition && lastOf(disk)?.number === root.partition.number;
    if (isLast)
      return ok('dodai makes the root partition as large as the disk, and its file system with it.');
    return warning(
      'Its root keeps the size that it has in the image: nothing can grow what is not the last partition.',
      'Make the image with the root as the last partition, or large enough.',
    );
  },
};

export const serialConsole: Requirement = {
  check: 'serial-console',
  look({ disk, description: { kernelArguments } }) {
    if (!disk) return ok('dodai has its messages sent to the serial console (console=ttyS0,115200n8).');
    if (/\bconsole=ttyS\d/.test(kernelArguments ?? ''))
      return ok('Its kernel writes to the serial console, where dodai keeps it.');
    return warning(
      'Its kernel writes nothing to the serial console: why it does not start is not to be seen there.',
      'Add console=tty0 console=ttyS0,115200n8 to GRUB_CMDLINE_LINUX in /etc/default/grub, and run update-grub.',
    );
  },
};
