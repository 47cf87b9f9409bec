import { mkdir, mkdtemp, open, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { execa } from 'execa';

const env = { PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
const run = (file: string, args: string[], cwd?: string) => execa(file, args, { env, cwd });

/** The beginning of a program for a machine, by its number in ELF (62: x86_64). */
export function elfHeader(machine: number): Buffer {
  const header = Buffer.alloc(64);
  header.write('\x7fELF\x02\x01\x01', 'latin1');
  header.writeUInt16LE(machine, 18);
  return header;
}

type Content = string | Buffer | { link: string } | null;

/** What a Debian has that meets every requirement; null takes a file away. */
const goodFiles: Record<string, Content> = {
  bin: { link: 'usr/bin' },
  sbin: { link: 'usr/sbin' },
  lib: { link: 'usr/lib' },
  'usr/lib/os-release': 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\n',
  'etc/os-release': { link: '../usr/lib/os-release' },
  'usr/bin/dash': elfHeader(62),
  'usr/bin/sh': { link: 'dash' },
  'usr/lib/systemd/systemd': elfHeader(62),
  'usr/lib/systemd/systemd-networkd': elfHeader(62),
  'usr/sbin/sshd': elfHeader(62),
  'usr/sbin/grub-install': elfHeader(62),
  'usr/sbin/update-grub': '#!/bin/sh\n',
  'usr/lib/grub/i386-pc/boot.img': 'boot',
  'usr/lib/grub/x86_64-efi/modinfo.sh': 'modules',
  'usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed': 'grub',
  'usr/lib/shim/shimx64.efi.signed': 'shim',
  'boot/vmlinuz-6.1.0': 'kernel',
  'boot/initrd.img-6.1.0': 'initramfs',
  'etc/passwd': 'root:x:0:0::/root:/bin/sh\nlater:x:1001:1001::/:/bin/sh\ndebian:x:1000:1000::/:/bin/sh\n',
  'etc/machine-id': '',
  'etc/systemd/system/multi-user.target.wants/ssh.service': { link: '/lib/systemd/system/ssh.service' },
  'etc/default/grub': 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX="console=tty0"\n',
  'etc/default/grub.d/10_cloud.cfg':
    '# for clouds\nGRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX console=ttyS0,115200n8"\n',
};

export type Files = Record<string, Content>;

/** A folder with root file systems and images made of them; each is good but for what is told. */
export class ImageBench {
  private count = 0;

  private constructor(readonly folder: string) {}

  static async make(): Promise<ImageBench> {
    return new ImageBench(await mkdtemp(join(tmpdir(), 'dodai-image-bench-')));
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  path(name = 'file'): string {
    this.count += 1;
    return join(this.folder, `${this.count}-${name}`);
  }

  /** A directory with the files of a good root, changed. */
  tree(changes: Files = {}): Promise<string> {
    return this.plainTree({ ...goodFiles, ...changes });
  }

  async plainTree(files: Files): Promise<string> {
    const root = this.path('tree');
    await mkdir(root);
    for (const [name, content] of Object.entries(files)) {
      if (content === null) continue;
      const path = join(root, name);
      await mkdir(dirname(path), { recursive: true });
      if (typeof content === 'string' || Buffer.isBuffer(content)) await writeFile(path, content);
      else await symlink(content.link, path);
    }
    return root;
  }

  async ext(tree: string, sizeMib = 16, type = 'ext4'): Promise<string> {
    const image = this.path(type);
    await run('mke2fs', ['-q', '-t', type, '-d', tree, image, `${sizeMib}M`]);
    return image;
  }

  async btrfs(tree: string): Promise<string> {
    const image = this.path('btrfs');
    await run('mkfs.btrfs', ['-q', '--rootdir', tree, image]);
    return image;
  }

  /** mkfs.xfs takes a directory as a prototype: one line for each file. */
  async xfs(tree: string): Promise<string> {
    const [image, prototype] = [this.path('xfs'), this.path('proto')];
    await writeFile(prototype, `/\n0 0\n${await prototypeOf(tree, 'd--755 0 0')}\n`);
    await truncateTo(image, 320);
    await run('mkfs.xfs', ['-q', '-p', prototype, image]);
    return image;
  }

  async tar(tree: string, ...args: string[]): Promise<string> {
    const archive = this.path('tar');
    await run('tar', ['--create', '--owner=0', '--group=0', ...args, `--file=${archive}`, '.'], tree);
    return archive;
  }

  /** A FAT with these files. */
  async fat(files: Record<string, string>, sizeMib = 8): Promise<string> {
    const image = this.path('fat');
    await truncateTo(image, sizeMib);
    await run('mkfs.vfat', [image]);
    for (const [name, content] of Object.entries(files)) {
      const parts = name.split('/').slice(0, -1);
      for (const [index] of parts.entries())
        await execa('mmd', ['-D', 's', '-i', image, `::${parts.slice(0, index + 1).join('/')}`], {
          reject: false,
        });
      await execa('mcopy', ['-i', image, '-', `::${name}`], { input: content });
    }
    return image;
  }

  /** A disk with a GPT (sgdisk's words) or an MBR (sfdisk's script), and images copied to where partitions begin, in MiB. */
  async disk(
    sizeMib: number,
    table: { gpt: string[] } | { mbr: string },
    parts: Record<number, string>,
  ): Promise<string> {
    const disk = this.path('disk');
    await truncateTo(disk, sizeMib);
    if ('gpt' in table) await run('sgdisk', ['--clear', ...table.gpt, disk]);
    else await execa('sfdisk', ['--quiet', disk], { env, input: table.mbr });
    for (const [atMib, image] of Object.entries(parts)) await copyInto(disk, image, Number(atMib));
    return disk;
  }

  /** A disk with a GPT for sectors of 4096 bytes, which no program makes in a file. */
  async disk4k(sizeMib: number, partitions: Partition[], parts: Record<number, string>): Promise<string> {
    const disk = this.path('disk');
    await truncateTo(disk, sizeMib);
    await patch(disk, 0, gpt4k(sizeMib, partitions));
    for (const [atMib, image] of Object.entries(parts)) await copyInto(disk, image, Number(atMib));
    return disk;
  }
}

interface Partition {
  /** GUID. */
  type: string;
  startMib: number;
  sizeMib: number;
}

/** UEFI Specification 2.10, 5.2.3 and 5.3: a protective MBR, the header in sector 1, the entries from sector 2 on. */
function gpt4k(sizeMib: number, partitions: Partition[]): Buffer {
  const sector = 4096;
  const perMib = 1024 ** 2 / sector;
  const table = Buffer.alloc(2 * sector + 128 * 128);
  table.set([0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], 446);
  table.writeUInt16LE(0xaa55, 510);
  partitions.forEach(({ type, startMib, sizeMib: size }, index) => {
    const at = 2 * sector + index * 128;
    const hex = type.replaceAll('-', '');
    Buffer.from(hex, 'hex').copy(table, at);
    table.subarray(at, at + 4).reverse();
    table.subarray(at + 4, at + 6).reverse();
    table.subarray(at + 6, at + 8).reverse();
    table.fill(index + 1, at + 16, at + 32);
    table.writeBigUInt64LE(BigInt(startMib * perMib), at + 32);
    table.writeBigUInt64LE(BigInt((startMib + size) * perMib - 1), at + 40);
  });
  const header = table.subarray(sector, sector + 92);
  header.write('EFI PART', 'latin1');
  header.writeUInt32LE(0x10000, 8);
  header.writeUInt32LE(92, 12);
  const last = sizeMib * perMib - 1;
  [1, last, 6, last - 5].forEach((lba, index) => header.writeBigUInt64LE(BigInt(lba), 24 + 8 * index));
  header.writeBigUInt64LE(2n, 72);
  header.writeUInt32LE(128, 80);
  header.writeUInt32LE(128, 84);
  header.writeUInt32LE(crc32(table.subarray(2 * sector)), 88);
  header.writeUInt32LE(crc32(header), 16);
  return table;
}

async function prototypeOf(directory: string, mode: string): Promise<string> {
  const lines = [mode];
  const { stdout } = await execa('find', [
    directory,
    '-mindepth',
    '1',
    '-maxdepth',
    '1',
    '-printf',
    '%y\t%f\t%l\n',
  ]);
  for (const line of stdout.split('\n').filter(Boolean)) {
    const [type, name = '', target] = line.split('\t');
    const path = join(directory, name);
    if (type === 'd') lines.push(`${name} ${await prototypeOf(path, 'd--755 0 0')}`);
    else if (type === 'l') lines.push(`${name} l--777 0 0 ${target}`);
    else lines.push(`${name} ---755 0 0 ${path}`);
  }
  return [...lines, '$'].join('\n');
}

async function truncateTo(file: string, sizeMib: number): Promise<void> {
  await writeFile(file, '');
  await truncate(file, sizeMib * 1024 ** 2);
}

async function copyInto(disk: string, image: string, atMib: number): Promise<void> {
  await execa('dd', [
    `if=${image}`,
    `of=${disk}`,
    'bs=1M',
    `seek=${atMib}`,
    'conv=notrunc,sparse',
    'status=none',
  ]);
}

/** Writes bytes into a file. */
export async function patch(file: string, at: number, bytes: Buffer): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.write(bytes, 0, bytes.length, at);
  } finally {
    await handle.close();
  }
}

/** GRUB's boot sector as grub-install writes it, with its core in the sector that is told. */
export async function installGrubForBios(disk: string, coreSector: number): Promise<void> {
  const code = Buffer.from((await readFile('/usr/lib/grub/i386-pc/boot.img')).subarray(0, 440));
  code.writeBigUInt64LE(BigInt(coreSector), 0x5c);
  await patch(disk, 0, code);
  await patch(disk, coreSector * 512, Buffer.from('GRUB core'));
}
