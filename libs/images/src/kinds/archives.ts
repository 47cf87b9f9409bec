import { packingOf } from '../intake/packing.js';
import { byMagic, type Finding, type Head, type KnownKind } from './kind.js';
import { asTarball, refusedArchive, refusedPacking } from './remedies.js';

/** POSIX.1-2017, pax, ustar Interchange Format: 512 bytes whose sum is among them, counted as if it were spaces. */
function readTar(head: Head): Finding | undefined {
  const sumAt = 148;
  const header = Array.from({ length: 512 }, (_, at) => head.u8(at));
  const sum = header.reduce((all, byte, at) => all + (at >= sumAt && at < sumAt + 8 ? 32 : byte), 0);
  if (header[0] === 0 || parseInt(head.text(sumAt, 8), 8) !== sum) return undefined;
  return { type: 'tar', called: `a tar archive (${tarFormat(head)})` };
}

/** The magic and version at 257, and the type of the first entry at 156; GNU's tar.h for the second. */
function tarFormat(head: Head): string {
  if (head.has('ustar\0', 257)) return /[xg]/.test(head.text(156, 1)) ? 'pax' : 'ustar';
  return head.has('ustar  \0', 257) ? 'GNU' : 'of before POSIX';
}

/** What is packed in a way that is unpacked here comes as `raw` only once; here it is packed a second time. */
function readNested(head: Head): Finding | undefined {
  const packing = packingOf(head.came(16));
  return packing === 'raw' ? undefined : { type: packing, called: `packed twice, with ${packing} inside` };
}

/** Linux, Documentation/driver-api/early-userspace/buffer-format.rst; and cpio(5) for the old one. */
function readCpio(head: Head): Finding | undefined {
  return /^0707(01|02|07)/.test(head.text(0, 6)) ? { type: 'cpio', called: 'a cpio archive' } : undefined;
}

export const archiveKinds: readonly KnownKind[] = [
  { use: refusedPacking, read: readNested },
  { use: asTarball, read: readTar },
  { use: refusedArchive, read: readCpio },
  // PKWARE, APPNOTE.TXT, 4.3.7
  byMagic({ type: 'zip', called: 'a ZIP archive' }, 'PK\x03\x04', refusedPacking),
  // 7-Zip, DOC/7zFormat.txt, SignatureHeader
  byMagic({ type: '7z', called: 'a 7z archive' }, '7z\xbc\xaf\x27\x1c', refusedPacking),
  // lz4_Frame_format.md, Magic Number
  byMagic({ type: 'lz4', called: 'compressed with lz4' }, '\x04\x22\x4d\x18', refusedPacking),
  // draft-diaz-lzip, File format
  byMagic({ type: 'lzip', called: 'compressed with lzip' }, 'LZIP', refusedPacking),
];
