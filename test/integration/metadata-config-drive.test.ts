import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  configDriveFolder,
  ConfigDriveWriter,
  type DriveForm,
  document,
  folder,
  networkData,
  resolvedNetwork,
} from '#metadata';
import { ExecaProcessRunner } from '#platform';
import { describedInstance } from '#testing';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askCloudInit, novaNetworkSchema } from '../support/cloud-init-reader.js';
import { cardsOf, instanceMatrix } from '../support/instance-matrix.js';
import { unpackDrive } from '../support/unpacked-drive.js';

const forms: Record<string, DriveForm> = {
  'ISO 9660': { format: 'iso9660', sectorBytes: 512 },
  VFAT: { format: 'vfat', sectorBytes: 512 },
  'VFAT for 4K-native disks': { format: 'vfat', sectorBytes: 4096 },
};
const nothing = { userData: null, vendorData: null };

let directory: string;
let writer: ConfigDriveWriter;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dodai-config-drive-test-'));
  writer = new ConfigDriveWriter(join(directory, 'on-the-way'), new ExecaProcessRunner());
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const inBase64 = (data: Buffer | null) => data?.toString('base64') ?? '';

describe.each(Object.entries(forms))('a config drive as %s', (name, form) => {
  it.each(Object.entries(instanceMatrix))(
    'tells cloud-init all of an instance %s',
    async (_, { instance, data }) => {
      const image = await writer.write(configDriveFolder(instance, data), form);
      const drive = await unpackDrive(image, directory);
      const understood = await askCloudInit({
        source: 'config-drive',
        folder: drive,
        macs: cardsOf(instance),
      });
      const { configuration } = instance;
      expect(understood).toMatchObject({
        warnings: [],
        instanceId: instance.id,
        hostName: instance.hostName,
        keys: configuration.sshKeys,
        userData: inBase64(data.userData),
        vendorData: inBase64(data.vendorData),
        files: Object.fromEntries(configuration.files.map(({ path, base64 }) => [path, base64])),
        randomSeed: instance.randomSeed,
        metadata: {
          meta: configuration.metadata,
          launch_index: configuration.launchIndex,
          availability_zone: 'nova',
        },
        networkData: networkData(resolvedNetwork(instance)),
      });
    },
  );

  it('is found by its label, and has the sectors of the disk', async () => {
    const image = join(directory, 'image');
    await writeFile(image, await writer.write(configDriveFolder(describedInstance(), nothing), form));
    const { stdout } = await execa('blkid', ['-p', '-o', 'export', image]);
    expect(stdout).toMatch(form.format === 'vfat' ? /^LABEL=CONFIG-2$/m : /^LABEL=config-2$/m);
    if (form.format === 'vfat') {
      expect(stdout).toMatch(new RegExp(`^BLOCK_SIZE=${form.sectorBytes}$`, 'm'));
      await execa('fsck.fat', ['-n', image]);
    }
  });

  it('is the same for the same documents, is small, and leaves nothing behind', async () => {
    const tree = configDriveFolder(describedInstance(), nothing);
    const first = await writer.write(tree, form);
    expect(first.equals(await writer.write(tree, form))).toBe(true);
    expect(first.length).toBeLessThanOrEqual(1024 * 1024);
    expect(await readdir(join(directory, 'on-the-way'))).toEqual([]);
  });

  it('holds what nearly fills it', async () => {
    const content = document(Buffer.alloc(62 * 1024 * 1024, name));
    const image = await writer.write(
      folder({ openstack: folder({ content: folder({ '0000': content }) }) }),
      form,
    );
    expect(image.length).toBeLessThanOrEqual(64 * 1024 * 1024);
    const file = join(await unpackDrive(image, directory), 'openstack/content/0000');
    const { stdout } = await execa('cmp', [file, '-'], { input: content.content });
    expect(stdout).toBe('');
  });

  it('holds hundreds of files', async () => {
    const names = Array.from({ length: 400 }, (_, index) => `a-file-with-a-rather-long-name-${index}`);
    const tree = folder({ content: folder(Object.fromEntries(names.map((name) => [name, document(name)]))) });
    const image = await writer.write(tree, form);
    expect((await readdir(join(await unpackDrive(image, directory), 'content'))).sort()).toEqual(
      names.sort(),
    );
  });
});

it('a config drive of more than 64 MiB is refused, with the field that most of it is from', async () => {
  const files = [10, 60].map((mib, index) => ({
    path: `/opt/${index}`,
    base64: Buffer.alloc(mib * 1024 * 1024).toString('base64'),
    mode: '0644',
    owner: 'root:root',
  }));
  const tree = configDriveFolder(describedInstance({ files }), nothing);
  await expect(writer.write(tree, { format: 'iso9660', sectorBytes: 512 })).rejects.toMatchObject({
    code: 'invalid-request',
    message: expect.stringContaining('of which 60.0 MiB are files.1'),
    context: { field: 'files.1' },
  });
});

it('a config drive that cannot be written says which program failed, and leaves nothing behind', async () => {
  const tooLongForVfat = folder({ ['x'.repeat(250)]: folder({ ['y'.repeat(300)]: document('') }) });
  await expect(writer.write(tooLongForVfat, { format: 'vfat', sectorBytes: 512 })).rejects.toThrow();
  expect(await readdir(join(directory, 'on-the-way'))).toEqual([]);
});

it.each(Object.entries(instanceMatrix))(
  "nova's schema accepts the network of an instance %s",
  async (_, { instance }) => {
    const document = networkData(resolvedNetwork(instance));
    expect(await askCloudInit({ source: 'schema', schema: novaNetworkSchema, document })).toMatchObject({
      faults: [],
    });
  },
);

it("nova's schema refuses a bond without its mode", async () => {
  const document = { links: [{ id: 'b', type: 'bond', bond_links: [] }], networks: [], services: [] };
  const { faults } = await askCloudInit({ source: 'schema', schema: novaNetworkSchema, document });
  expect(faults).not.toEqual([]);
});
