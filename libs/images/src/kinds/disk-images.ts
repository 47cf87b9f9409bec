import { byMagic, type Finding, type Head, type KnownKind, shown } from './kind.js';
import { asContainer, refusedEncryptedDisk, refusedNotAlone, refusedOldDiskImage } from './remedies.js';

/** QEMU, docs/interop/qcow2.rst, Header; big-endian. Version 1 is called qcow. */
function readQcow(head: Head): Finding | undefined {
  if (!head.has('QFI\xfb')) return undefined;
  const sizeBytes = head.u64be(24);
  if (head.u32be(4) === 1)
    return { type: 'qcow', called: 'a qcow disk image', sizeBytes, use: refusedOldDiskImage };
  const { called, use } = qcow2Needs(head);
  return { type: 'qcow2', called: `a qcow2 disk image${called}`, sizeBytes, use };
}

/** Incompatible features, which version 2 has none of. */
const hasDataFile = 0x4;

/** What it cannot be read without, which is another file or a key. */
function qcow2Needs(head: Head): Pick<Finding, 'called' | 'use'> {
  const [offset, length] = [head.u64be(8), head.u32be(16)];
  if (offset !== 0) {
    const name = shown(head.text(offset, Math.min(length, 1023))); // not within what was read when it is damaged
    return { called: ` that needs a backing file (${name})`, use: refusedNotAlone };
  }
  if (head.u32be(4) >= 3 && head.u32be(76) & hasDataFile)
    return { called: ' whose content is in another file', use: refusedNotAlone };
  if (head.u32be(32) !== 0) return { called: ' that is encrypted', use: refusedEncryptedDisk };
  return { called: '' };
}

/** VMware, Virtual Disk Format 5.0, Hosted Sparse Extents: the capacity is in sectors, and so is where the descriptor is. */
function readSparseVmdk(head: Head): Finding | undefined {
  if (!head.has('KDMV')) return undefined;
  const sizeBytes = head.u64le(12) * 512;
  const [offset, sectors] = [head.u64le(28), head.u64le(36)];
  const descriptor = head.text(offset * 512, Math.min(sectors, 128) * 512);
  // Without a size it would be a descriptor in disguise, which names other files.
  if (sizeBytes === 0 || !descriptor.includes('createType'))
    return { type: 'vmdk', called: 'a part of a VMDK disk image', use: refusedNotAlone };
  const found = { type: 'vmdk', called: 'a VMDK disk image', sizeBytes };
  const parent = /^parentFileNameHint\s*=\s*"([^"]*)"/m.exec(descriptor)?.[1];
  const child = /^parentCID\s*=\s*(?!ffffffff)/im.test(descriptor);
  if (parent === undefined && !child) return found;
  return {
    ...found,
    called: `a VMDK disk image that needs its parent (${shown(parent ?? 'not named')})`,
    use: refusedNotAlone,
  };
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

/** Microsoft, Virtual Hard Disk Image Format Specification, Hard Disk Footer Format; a footer is 512 bytes long. */
const vhdCookie = 'conectix';
const vhdTypeAt = 60;
const vhdSizeAt = 48;
const vhdType = { fixed: 2, differencing: 4 };
export const vhdFooterBytes = 512;

/** A copy of the footer begins those that grow. One of fixed size begins with the disk itself. */
function readVhd(head: Head): Finding | undefined {
  if (!head.has(vhdCookie)) return undefined;
  const found = { type: 'vhd', called: 'a VHD disk image', sizeBytes: head.u64be(vhdSizeAt) };
  if (head.u32be(vhdTypeAt) !== vhdType.differencing) return found;
  return { ...found, called: 'a VHD disk image that needs its parent', use: refusedNotAlone };
}

/** Whether these are the last bytes of any VHD; `fixed`: of one that is the disk itself and these bytes. */
export function readVhdFooter(footer: Buffer): 'fixed' | 'other' | undefined {
  if (footer.length !== vhdFooterBytes || footer.toString('latin1', 0, vhdCookie.length) !== vhdCookie)
    return undefined;
  return footer.readUInt32BE(vhdTypeAt) === vhdType.fixed ? 'fixed' : 'other';
}

/** VirtualBox, include/VBox/vd-ifs.h and src/VBox/Storage/VDICore.h: VDI_IMAGE_SIGNATURE, and the header of version 1.1. */
function readVdi(head: Head): Finding | undefined {
  if (head.u32le(64) !== 0xbeda107f) return undefined;
  const fileBytes = head.u32le(344) + head.u32le(388) * (head.u32le(376) + head.u32le(380));
  return { type: 'vdi', called: 'a VDI disk image', sizeBytes: head.u64le(368), fileBytes };
}

export const diskImageKinds: readonly KnownKind[] = [
  { use: asContainer('qcow2'), read: readQcow },
  { use: asContainer('vmdk'), read: readSparseVmdk },
  { use: refusedNotAlone, read: readVmdkDescriptor },
  // the same document
  byMagic({ type: 'vmdk', called: 'a VMDK disk image of an ESX server' }, 'COWD', refusedOldDiskImage),
  { use: asContainer('vpc'), read: readVhd },
  byMagic({ type: 'vhdx', called: 'a VHDX disk image' }, 'vhdxfile', asContainer('vhdx')), // [MS-VHDX], 2.2.1
  { use: asContainer('vdi'), read: readVdi },
];
