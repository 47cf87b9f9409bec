import { byMagic, type Finding, type Head, type ImageKind, shown } from './kind.js';
import { refusedDiskImage as use } from './remedies.js';

/** QEMU, docs/interop/qcow2.rst, Header; big-endian. Version 1 is called qcow. */
function readQcow(head: Head): Finding | undefined {
  if (!head.has('QFI\xfb')) return undefined;
  const type = head.u32be(4) === 1 ? 'qcow' : 'qcow2';
  const backing = backingFile(head);
  const called = `a ${type} disk image${backing === undefined ? '' : ` that needs a backing file (${backing})`}`;
  return { type, called, sizeBytes: head.u64be(24) };
}

/** The same place in both versions: offset, length; the name is not within what was read when it is damaged. */
function backingFile(head: Head): string | undefined {
  const [offset, length] = [head.u64be(8), head.u32be(16)];
  return offset === 0 ? undefined : shown(head.text(offset, Math.min(length, 1023)));
}

/** VMware, Virtual Disk Format 5.0, Hosted Sparse Extents: the capacity is in sectors. */
function readSparseVmdk(head: Head): Finding | undefined {
  if (!head.has('KDMV')) return undefined;
  return { type: 'vmdk', called: 'a VMDK disk image', sizeBytes: head.u64le(12) * 512 };
}

/** The same, The Descriptor File: text, with the disk itself in other files. */
function readVmdkDescriptor(head: Head): Finding | undefined {
  const text = head.text(0, 4096);
  if (!/^\s*# Disk DescriptorFile/i.test(text)) return undefined;
  const kind = /^createType\s*=\s*"([^"]*)"/m.exec(text)?.[1];
  return {
    type: 'vmdk-descriptor',
    called: `the descriptor of a VMDK disk image${kind ? ` (${shown(kind)})` : ''}, whose content is in other files`,
  };
}

/**
 * Microsoft, Virtual Hard Disk Image Format Specification, Hard Disk Footer Format: a copy of the footer begins those
 * that grow. One of fixed size begins with the disk itself, and is found to be that.
 */
function readVhd(head: Head): Finding | undefined {
  if (!head.has('conectix')) return undefined;
  const called = head.u32be(60) === 4 ? 'a VHD disk image that needs its parent' : 'a VHD disk image';
  return { type: 'vhd', called, sizeBytes: head.u64be(48) };
}

export const diskImageKinds: readonly ImageKind[] = [
  { use, read: readQcow },
  { use, read: readSparseVmdk },
  { use, read: readVmdkDescriptor },
  byMagic({ type: 'vmdk', called: 'a VMDK disk image of an ESX server' }, 'COWD', use), // the same document
  { use, read: readVhd },
  byMagic({ type: 'vhdx', called: 'a VHDX disk image' }, 'vhdxfile', use), // [MS-VHDX], 2.2.1
  // VirtualBox, include/VBox/vd-ifs.h and src/VBox/Storage/VDICore.h, VDI_IMAGE_SIGNATURE
  byMagic({ type: 'vdi', called: 'a VDI disk image' }, '\x7f\x10\xda\xbe', use, 64),
];
