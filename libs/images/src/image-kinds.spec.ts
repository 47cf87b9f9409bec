import { describe, expect, it } from 'vitest';
import { imageKinds, recognise, recogniseDisk, recogniseImage } from './image-kinds.js';
import { bytesToRecognise } from './kinds/kind.js';

type Field = [at: number, bytes: string | number[]];

/** An image with these fields, of a byte a character. */
function image(...fields: Field[]): Buffer {
  const data = Buffer.alloc(bytesToRecognise);
  for (const [at, bytes] of fields)
    data.set(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, at);
  return data;
}

const le = (value: number, bytes: number) =>
  Array.from({ length: bytes }, (_, index) => Math.floor(value / 256 ** index) % 256);
const be = (value: number, bytes: number) => le(value, bytes).toReversed();

const mbrMark: Field = [510, [0x55, 0xaa]];
const partition = (entry: number, type: number): Field => [
  446 + 16 * entry,
  [0x80, 0, 0, 0, type, 0, 0, 0, ...le(2048, 4), ...le(100_000, 4)],
];
const gptAt = (sector: number): Field[] => [
  mbrMark,
  partition(0, 0xee),
  [sector, 'EFI PART'],
  [sector + 32, le(20_479, 8)],
  [sector + 72, [...le(2, 8), ...le(128, 4), ...le(128, 4)]],
  [2 * sector, [1]],
  [2 * sector + 128, [2]],
];
const ext: Field[] = [
  [1024, le(2048, 4)], // inodes
  [1028, le(8192, 4)], // blocks
  [1080, [0x53, 0xef]],
];
const iso: Field[] = [
  [32_768, '\x01CD001\x01'],
  [32_808, 'Debian 12.5.0 amd64 n'.padEnd(32)],
  [32_848, le(1000, 4)],
  [32_896, le(2048, 2)],
];

/** A VMDK of 2 MiB with a descriptor that has this line. */
const vmdk = (line: string) =>
  image([0, 'KDMV'], [12, le(4096, 8)], [28, le(1, 8)], [36, le(20, 8)], [512, `createType="x"\n${line}`]);

/** One header, as the programs write it: the sum is of the bytes with spaces in its own place. */
function tar(magic: string, entry: string): Buffer {
  const header = image([0, 'etc/hostname'], [148, ' '.repeat(8)], [156, entry], [257, magic]).subarray(
    0,
    512,
  );
  const sum = header.reduce((all, byte) => all + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

describe('an image is told by what is in it:', () => {
  it.each<[string, string, Buffer, number?]>([
    ['an ext2 file system', 'ext2', image(...ext), 8_388_608],
    ['an ext3 file system', 'ext3', image(...ext, [1116, le(0x4, 4)]), 8_388_608],
    ['an ext4 file system', 'ext4', image(...ext, [1120, le(0x40, 4)]), 8_388_608],
    [
      'an ext4 file system',
      'ext4',
      image(...ext, [1048, le(2, 4)], [1120, le(0xc0, 4)], [1360, le(1, 4)]),
      (2 ** 32 + 8192) * 4096,
    ],
    ['the journal of an ext file system', 'ext-journal', image(...ext, [1120, le(0x8, 4)]), 8_388_608],
    [
      'an XFS file system',
      'xfs',
      image([0, ['XFSB'.charCodeAt(0), 0x46, 0x53, 0x42, ...be(4096, 4), ...be(76_800, 8)]]),
      314_572_800,
    ],
    [
      'a Btrfs file system',
      'btrfs',
      image([0x10040, '_BHRfS_M'], [0x10070, le(114_294_784, 8)]),
      114_294_784,
    ],
    ['a squashfs file system', 'squashfs', image([0, 'hsqs'], [40, le(4096, 8)]), 4096],
    ['an F2FS file system', 'f2fs', image([1024, [0x10, 0x20, 0xf5, 0xf2]])],
    ['an ISO 9660 image ("Debian 12.5.0 amd64 n")', 'iso9660', image(...iso), 2_048_000],
    ['an encrypted volume (LUKS1)', 'luks', image([0, 'LUKS\xba\xbe\x00\x01'])],
    ['an encrypted volume (LUKS2)', 'luks', image([0, 'LUKS\xba\xbe\x00\x02'])],
    ['a physical volume of LVM', 'lvm', image([512, 'LABELONE'], [536, 'LVM2 001'])],
    ['swap space', 'swap', image([4086, 'SWAPSPACE2'])],
    ['swap space', 'swap', image([65_526, 'SWAPSPACE2'])],
    ['a file system of another kind of computer (FAT)', 'fat', image([82, 'FAT32   '], mbrMark)],
    ['a file system of another kind of computer (NTFS)', 'ntfs', image([3, 'NTFS    '], mbrMark)],
    ['a file system of another kind of computer (exFAT)', 'exfat', image([3, 'EXFAT   '], mbrMark)],
    ['a qcow2 disk image', 'qcow2', image([0, 'QFI\xfb'], [4, be(3, 4)], [24, be(2 ** 31, 8)]), 2 ** 31],
    ['a qcow disk image', 'qcow', image([0, 'QFI\xfb'], [4, be(1, 4)], [24, be(512, 8)]), 512],
    [
      'a qcow2 disk image that needs a backing file (base.qcow2)',
      'qcow2',
      image(
        [0, 'QFI\xfb'],
        [4, be(2, 4)],
        [8, be(600, 8)],
        [16, be(10, 4)],
        [24, be(512, 8)],
        [600, 'base.qcow2'],
      ),
      512,
    ],
    ['a VMDK disk image', 'vmdk', vmdk('parentCID=ffffffff\n'), 2_097_152],
    [
      'a VMDK disk image that needs its parent (base.vmdk)',
      'vmdk',
      vmdk('parentFileNameHint="base.vmdk"\n'),
      2_097_152,
    ],
    ['a VMDK disk image that needs its parent (not named)', 'vmdk', vmdk('parentCID=1fde644e\n'), 2_097_152],
    ['a part of a VMDK disk image', 'vmdk', image([0, 'KDMV'], [12, le(4096, 8)])],
    [
      'a part of a VMDK disk image',
      'vmdk',
      image([0, 'KDMV'], [28, le(1, 8)], [36, le(1, 8)], [512, 'createType']),
    ],
    [
      'a qcow2 disk image whose content is in another file',
      'qcow2',
      image([0, 'QFI\xfb'], [4, be(3, 4)], [24, be(512, 8)], [72, be(4, 8)]),
      512,
    ],
    [
      'a qcow2 disk image that is encrypted',
      'qcow2',
      image([0, 'QFI\xfb'], [4, be(2, 4)], [24, be(512, 8)], [32, be(1, 4)]),
      512,
    ],
    ['one of the 2 devices of a Btrfs file system', 'btrfs', image([0x10040, '_BHRfS_M'], [0x10088, [2]])],
    ['a VMDK disk image of an ESX server', 'vmdk', image([0, 'COWD'])],
    [
      'the descriptor of a VMDK disk image (monolithicFlat), whose content is in other files',
      'vmdk-descriptor',
      Buffer.from('# Disk DescriptorFile\nversion=1\ncreateType="monolithicFlat"\n'),
    ],
    ['a VHD disk image', 'vhd', image([0, 'conectix'], [48, be(1_048_576, 8)], [60, be(3, 4)]), 1_048_576],
    [
      'a VHD disk image that needs its parent',
      'vhd',
      image([0, 'conectix'], [48, be(512, 8)], [60, be(4, 4)]),
      512,
    ],
    ['a VHDX disk image', 'vhdx', image([0, 'vhdxfile'])],
    [
      'a VDI disk image',
      'vdi',
      image([0, '<<< Oracle VM'], [64, le(0xbeda107f, 4)], [368, le(4096, 8)]),
      4096,
    ],
    [
      'a whole disk with a GPT of 2 partitions, for sectors of 512 bytes',
      'gpt',
      image(...gptAt(512)),
      10_485_760,
    ],
    [
      'a whole disk with a GPT of 2 partitions, for sectors of 4096 bytes',
      'gpt',
      image(...gptAt(4096)),
      83_886_080,
    ],
    ['a whole disk with an MBR of 1 partition', 'mbr', image(mbrMark, partition(0, 0x83))],
    [
      'a whole disk with an MBR of 2 partitions',
      'mbr',
      image(mbrMark, partition(0, 0x83), partition(3, 0x82)),
    ],
    ['a whole disk with a boot sector but no partition', 'boot-sector', image(mbrMark)],
    ['a tar archive (pax)', 'tar', tar('ustar\x0000', 'x')],
    ['a tar archive (ustar)', 'tar', tar('ustar\x0000', '0')],
    ['a tar archive (GNU)', 'tar', tar('ustar  \0', '0')],
    ['a tar archive (of before POSIX)', 'tar', tar('', '\0')],
    ['a cpio archive', 'cpio', image([0, '070701'])],
    ['a ZIP archive', 'zip', image([0, 'PK\x03\x04'])],
    ['a 7z archive', '7z', image([0, [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]])],
    ['compressed with lz4', 'lz4', image([0, [0x04, 0x22, 0x4d, 0x18]])],
    ['compressed with lzip', 'lzip', image([0, 'LZIP\x01'])],
    ['packed twice, with gzip inside', 'gzip', image([0, [0x1f, 0x8b, 8]])],
    ['packed twice, with bzip2 inside', 'bzip2', image([0, 'BZh91AY&SY'])],
    ['empty', 'empty', Buffer.alloc(0)],
    ['nothing but zeros in its first 4 bytes', 'zeros', Buffer.alloc(4)],
    [`nothing but zeros in its first ${bytesToRecognise} bytes`, 'zeros', image()],
    [
      'a web page ("404 Not Found")',
      'html',
      Buffer.from('\ufeff\r\n<!DOCTYPE html><html><head><title>404 Not\nFound</title></head></html>'),
    ],
    ['a web page', 'html', Buffer.from('<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>')],
    ['text ("{"error":"no such file"}")', 'text', Buffer.from('{"error":"no such file"}\n')],
    ['text ("größer")', 'text', Buffer.from('größer')],
    [
      'nothing that is known here: no file system, no disk and no archive',
      'unknown',
      image([100, [0xff, 1, 2]]),
    ],
  ])('%s', (called, type, data, sizeBytes) => {
    expect(recognise(data)).toMatchObject({ called, type });
    expect(recognise(data).sizeBytes).toBe(sizeBytes);
  });
});

describe('where two kinds could be meant,', () => {
  it.each<[string, string, Buffer]>([
    [
      'a medium that boots from a stick too is a medium',
      'iso9660',
      image(...iso, mbrMark, partition(0, 0x17)),
    ],
    ['a disk that was a file system before is a disk', 'mbr', image(...ext, mbrMark, partition(0, 0x83))],
    ['a file system with a boot sector is a file system', 'ext2', image(...ext, mbrMark)],
    ['a file system with boot code is one', 'ext2', image(...ext, mbrMark, [446, 'code that is no table'])],
    ['what was Btrfs before is what it is now', 'ext2', image(...ext, [0x10040, '_BHRfS_M'])],
    ['two bytes by accident are no file system', 'unknown', image([1080, [0x53, 0xef]])],
    [
      'a text of which the last character is cut is a text',
      'text',
      Buffer.from('ä'.repeat(3000)).subarray(0, 4097),
    ],
    ['a number with the shape of bzip2 is text', 'text', Buffer.from('BZh9 is how it begins')],
  ])('%s', (_fact, type, data) => {
    expect(recognise(data).type).toBe(type);
  });
});

describe('what is refused', () => {
  it('is named, with its size and what to do', () => {
    const qcow2 = image([0, 'QFI\xfb'], [4, be(1, 4)], [24, be(4096, 8)]);
    expect(() => recogniseImage(qcow2)).toThrow(
      expect.objectContaining({
        code: 'image-invalid',
        message: 'The image cannot be installed: it is a qcow disk image, of 4096 bytes.',
        remedy: expect.stringContaining('qemu-img convert -O qcow2'),
        context: { field: 'body', kind: 'qcow' },
      }),
    );
  });

  it('is named also when it is in a disk image', () => {
    expect(() => recogniseDisk(image(...iso), 'a VHD disk image')).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('what is in a VHD disk image is an ISO 9660 image'),
      }),
    );
    expect(recogniseDisk(image(...gptAt(512)), 'a VHD disk image')).toMatchObject({ use: { as: 'disk' } });
  });

  it('shows nothing of a file that could move a cursor', () => {
    const data = image(
      [0, 'QFI\xfb'],
      [4, be(2, 4)],
      [8, be(600, 8)],
      [16, be(9, 4)],
      [600, '\x1b[2J\u0007bad'],
    );
    expect(recognise(data).called).toBe('a qcow2 disk image that needs a backing file ([2J bad)');
  });

  it('survives a header that points anywhere', () => {
    const qcow2 = image([0, 'QFI\xfb'], [4, be(2, 4)], [8, Array(16).fill(0xff)]);
    expect(recognise(qcow2).type).toBe('qcow2');
    const gpt = image([512, 'EFI PART'], [544, Array(64).fill(0xff)]);
    expect(recognise(gpt)).toMatchObject({ type: 'gpt', called: expect.stringContaining('0 partitions') });
  });

  it('says for every kind that is refused what to do about it', () => {
    for (const { use } of imageKinds) {
      if (use.as === 'refused') expect(use.remedy).toMatch(/^[A-Z].{40,}[.?]$/);
    }
  });
});
