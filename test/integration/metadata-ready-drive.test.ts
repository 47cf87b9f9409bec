import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  configDriveFolder,
  ConfigDriveWriter,
  documentsOf,
  ReadyConfigDrives,
  type TreeFolder,
} from '#metadata';
import { ExecaProcessRunner } from '#platform';
import { describedInstance } from '#testing';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askCloudInit } from '../support/cloud-init-reader.js';
import { cardsOf, instanceMatrix } from '../support/instance-matrix.js';
import { unpackDrive } from '../support/unpacked-drive.js';

const runner = new ExecaProcessRunner();
const tree = configDriveFolder(describedInstance(), { userData: null, vendorData: null });
let directory: string;
let onTheWay: string;
let writer: ConfigDriveWriter;
let drives: ReadyConfigDrives;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dodai-ready-drive-'));
  onTheWay = join(directory, 'on-the-way');
  writer = new ConfigDriveWriter(onTheWay, runner);
  drives = new ReadyConfigDrives(onTheWay, runner, writer);
});
afterEach(async () => {
  const left = await readdir(onTheWay);
  await rm(directory, { recursive: true, force: true });
  expect(left).toEqual([]);
});

const isoOptions = ['-as', 'mkisofs', '-quiet', '-J', '-r'];

/** What an owner makes with common tools. */
async function isoOf(
  files: Record<string, string>,
  { label = 'config-2', links = false } = {},
): Promise<Buffer> {
  const content = join(directory, 'content');
  await mkdir(content);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(content, path, '..'), { recursive: true });
    await writeFile(join(content, path), text);
  }
  if (links) await symlink('/etc/passwd', join(content, 'openstack/latest/user_data'));
  const image = join(directory, 'made.iso');
  await execa('xorriso', ['-no_rc', ...isoOptions, '-V', label, '-o', image, content]);
  return readFile(image);
}

const contentOf = (folder: TreeFolder) =>
  documentsOf(folder).map(([path, { content }]) => [path, content.toString('base64')]);
const metaData = 'openstack/latest/meta_data.json';

describe('a ready-made config drive', () => {
  it.each([
    ['ISO 9660', { format: 'iso9660', sectorBytes: 512 }, 2048],
    ['VFAT', { format: 'vfat', sectorBytes: 512 }, 512],
    ['VFAT with sectors of 4 KiB', { format: 'vfat', sectorBytes: 4096 }, 4096],
  ] as const)('that is %s is read file by file', async (_, form, sectorBytes) => {
    const drive = await drives.inspected(await writer.write(tree, form));
    expect(drive).toMatchObject({ format: form.format, sectorBytes });
    expect(contentOf(drive.tree)).toEqual(contentOf(tree));
  });

  it('is taken with nothing but metadata of OpenStack, or of EC2', async () => {
    const image = await isoOf({ [metaData]: '{"uuid": "a"}' });
    expect((await drives.inspected(image)).image.equals(image)).toBe(true);
    await rm(join(directory, 'content'), { recursive: true });
    await expect(drives.inspected(await isoOf({ 'ec2/latest/meta-data.json': '{}' }))).resolves.toBeDefined();
  });

  it('goes to a disk as it is where the disk can hold it', async () => {
    for (const [form, disk] of [
      [{ format: 'iso9660', sectorBytes: 512 }, 512],
      [{ format: 'vfat', sectorBytes: 512 }, 512],
      [{ format: 'vfat', sectorBytes: 4096 }, 512],
      [{ format: 'vfat', sectorBytes: 4096 }, 4096],
    ] as const) {
      const image = await writer.write(tree, form);
      expect((await drives.fitted(await drives.inspected(image), disk)).equals(image)).toBe(true);
    }
  });

  it.each(['iso9660', 'vfat'] as const)(
    'that is %s becomes a VFAT that a 4K-native disk can hold, and tells the same',
    async (format) => {
      const { instance, data } = instanceMatrix['with files of every content'] ?? {
        instance: undefined,
        data: undefined,
      };
      if (!instance) throw new Error('the matrix has no such instance');
      const image = await writer.write(configDriveFolder(instance, data), { format, sectorBytes: 512 });
      const fitted = await drives.fitted(await drives.inspected(image), 4096);
      expect(await drives.inspected(fitted)).toMatchObject({ format: 'vfat', sectorBytes: 4096 });
      const drive = await unpackDrive(fitted, directory);
      const understood = await askCloudInit({
        source: 'config-drive',
        folder: drive,
        macs: cardsOf(instance),
      });
      const files = instance.configuration.files.map(({ path, base64 }) => [path, base64]);
      expect(understood).toMatchObject({
        instanceId: instance.id,
        files: Object.fromEntries(files) as object,
      });
    },
  );

  it.each([
    ['is no file system', () => Promise.resolve(Buffer.alloc(100_000)), 'no file system that is known'],
    ['is empty', () => Promise.resolve(Buffer.alloc(0)), 'no file system that is known'],
    [
      'has another label',
      () => isoOf({ [metaData]: '{"uuid":"a"}' }, { label: 'cidata' }),
      'has the label "cidata"',
    ],
    ['has no metadata', () => isoOf({ 'openstack/latest/user_data': '' }), 'holds neither'],
    ['has metadata that is not JSON', () => isoOf({ [metaData]: '{' }), 'that is not JSON'],
    ['has metadata that is no object', () => isoOf({ [metaData]: '[]' }), 'that is no object'],
    [
      'has no uuid',
      () => isoOf({ [metaData]: '{"hostname":"a"}' }),
      'has no uuid in openstack/latest/meta_data.json',
    ],
    [
      'has links',
      () => isoOf({ [metaData]: '{"uuid":"a"}' }, { links: true }),
      'neither a file nor a folder',
    ],
    [
      'was cut off',
      async () => (await writer.write(tree, { format: 'iso9660', sectorBytes: 512 })).subarray(0, 40_000),
      'cannot be read',
    ],
    ['has a damaged table of files', damagedVfat, 'has a damaged file system'],
  ])('is refused with field, cause and remedy when it %s', async (_, made, why) => {
    await expect(drives.inspected(await made())).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringMatching(new RegExp(`^the config drive .*${why}`)),
      remedy: expect.stringMatching(/./),
      context: { field: 'configDrive' },
    });
  });
});

/** Both tables are filled with one number, so that every file claims the same clusters. */
async function damagedVfat(): Promise<Buffer> {
  const image = await writer.write(tree, { format: 'vfat', sectorBytes: 512 });
  const firstTable = image.readUInt16LE(14) * 512;
  image.fill(0x05, firstTable + 3, firstTable + image.readUInt16LE(22) * 512 * image[16]!);
  return image;
}
