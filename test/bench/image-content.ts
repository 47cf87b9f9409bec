import { randomBytes } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { StoredImage } from '../support/stored-image.js';

const kib = 1024;
const mib = 1024 * kib;
export const contentBytes = 2048 * mib;

/** The same file system in the forms that the ways take it in. */
export interface BenchImage {
  raw: string;
  zst: string;
  qcow2: string;
  stored: StoredImage;
}

/** An ext4 file system of 2 GiB, of which some 40 % is files: a few thousand small ones, the rest of 4 MiB. */
export async function makeImage(folder: string): Promise<BenchImage> {
  const raw = join(folder, 'image.raw');
  const root = join(folder, 'root');
  await mkdir(root);
  for (let number = 0; number < 4000; number += 1)
    await write(root, `small/${number % 50}`, number, 32 * kib);
  for (let number = 0; number < 172; number += 1) await write(root, 'large', number, 4 * mib);
  await execa('mkfs.ext4', ['-q', '-F', '-d', root, raw, `${contentBytes / mib}M`]);
  await rm(root, { recursive: true });
  const zst = join(folder, 'image.zst');
  await execa('zstd', ['-3', '-q', '-T0', raw, '-o', zst]);
  const qcow2 = join(folder, 'image.qcow2');
  const options = ['-c', '-m', '4', '-W', '-o', 'compression_type=zstd'];
  await execa('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', ...options, raw, qcow2]);
  return { raw, zst, qcow2, stored: await StoredImage.of(raw) };
}

async function write(root: string, directory: string, number: number, bytes: number): Promise<void> {
  const folder = join(root, directory);
  await mkdir(folder, { recursive: true });
  const file = await open(join(folder, String(number)), 'w');
  for (let at = 0; at < bytes; at += 32 * kib) await file.write(block());
  await file.close();
}

/** As well compressible as programs and texts are: to two fifths. */
function block(): Buffer {
  const pattern = randomBytes(64);
  return Buffer.concat([randomBytes(12 * kib), ...Array.from({ length: (20 * kib) / 64 }, () => pattern)]);
}
