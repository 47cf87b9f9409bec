import { open, rename, rm, truncate } from 'node:fs/promises';
import type { Image } from '#core';
import { recogniseDisk, refusedAs } from '../image-kinds.js';
import { checkWhole } from '../intake/import-checks.js';
import { diskBeside, type Taken } from '../intake/intake.js';
import { readVhdFooter, vhdFooterBytes } from '../kinds/disk-images.js';
import { bytesToRecognise, type Finding } from '../kinds/kind.js';
import { type Following, QemuImg } from './qemu-img.js';
import type { Tools } from '../tools.js';
import { checkRootTree } from './root-tree.js';

/** What machines are to get of an image, plain. */
export type Content = Pick<Image, 'kind' | 'format' | 'fileSystem'>;

/**
 * Finds out what an unpacked file holds, and makes it just that: what is in a disk image takes the place of the image.
 * Throws DomainError `image-invalid`, `image-too-large` or `disk-full`.
 */
export async function contentOf(
  file: string,
  { use, ...found }: Taken['found'],
  tools: Tools,
  following: Following,
): Promise<Content> {
  switch (use.as) {
    case 'container':
      return { ...(await readOut(file, use.driver, found, tools, following)), format: found.type };
    case 'tarball':
      following.onProgress({ stage: 'check', doneBytes: 0, totalBytes: null });
      await checkRootTree(file, tools.processes, following.signal);
      return { kind: 'tarball', format: 'tar', fileSystem: null };
    case 'iso':
      return { kind: 'iso', format: 'iso', fileSystem: null };
    default: {
      const format = (await cutFooter(file)) ? 'vhd' : 'raw';
      return { ...installable(use.as, found), format };
    }
  }
}

function installable(kind: 'file_system' | 'disk', { type }: Finding): Pick<Image, 'kind' | 'fileSystem'> {
  return { kind, fileSystem: kind === 'file_system' ? type : null };
}

async function readOut(
  file: string,
  driver: string,
  found: Finding,
  { runner, limits, room }: Tools,
  following: Following,
): Promise<Pick<Image, 'kind' | 'fileSystem'>> {
  await checkVhd(file, driver, found);
  const disk = diskBeside(file);
  await new QemuImg(runner, limits, room).toRaw({ file, driver, called: found.called }, disk, following);
  await rm(file);
  await rename(disk, file);
  const { head, bytes } = await headOf(file);
  const { use, ...inside } = recogniseDisk(head, found.called);
  checkWhole(inside, inside.sizeBytes, bytes);
  return installable(use.as, inside);
}

/** qemu-img reads one that was cut short, and gives zeros for what is missing; but every VHD ends with its footer. */
async function checkVhd(file: string, driver: string, found: Finding): Promise<void> {
  if (driver !== 'vpc' || readVhdFooter(await tailOf(file, vhdFooterBytes))) return;
  const called = `${found.called} without its end`;
  throw refusedAs('it', { ...found, called }, 'It was cut short: make or download it again, whole.');
}

/** A VHD of fixed size is the disk itself and a footer. */
async function cutFooter(file: string): Promise<boolean> {
  if (readVhdFooter(await tailOf(file, vhdFooterBytes)) !== 'fixed') return false;
  const { bytes } = await headOf(file);
  await truncate(file, bytes - vhdFooterBytes);
  return true;
}

async function headOf(file: string): Promise<{ head: Buffer; bytes: number }> {
  const handle = await open(file);
  try {
    const { size: bytes } = await handle.stat();
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytesToRecognise), 0, bytesToRecognise, 0);
    return { head: buffer.subarray(0, bytesRead), bytes };
  } finally {
    await handle.close();
  }
}

/** Less than was asked for when the file is not so long. */
async function tailOf(file: string, length: number): Promise<Buffer> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const { buffer, bytesRead } = await handle.read(
      Buffer.alloc(length),
      0,
      length,
      Math.max(0, size - length),
    );
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
