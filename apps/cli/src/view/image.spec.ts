import { describe, expect, it } from 'vitest';
import type { ImageView } from '#contract';
import { complaints, findingsTable } from './image-findings.js';
import { imageDetails } from './image.js';
import { Palette } from './palette.js';

const plain = new Palette(false);
const mib = 1024 ** 2;

const disk: ImageView = {
  id: '6c2d7fb4-6f55-4a7f-8f6c-0d6ef9a4a111',
  name: 'cloud',
  kind: 'disk',
  format: 'qcow2',
  sha256: 'a'.repeat(64),
  sourceSha256: 'b'.repeat(64),
  compressedBytes: 90 * mib,
  uncompressedBytes: 2048 * mib,
  dataBytes: 300 * mib,
  fileSystem: null,
  defaultUser: null,
  sourceUrl: null,
  description: {
    os: { id: 'debian', name: 'Debian GNU/Linux 12 (bookworm)', version: '12' },
    architecture: 'x86_64',
    bootModes: ['bios', 'uefi'],
    installableBootModes: [],
    partitionTable: {
      type: 'gpt',
      sectorBytes: 512,
      partitions: [
        { number: 1, startBytes: mib, sizeBytes: mib, type: 'A', name: null, fileSystem: null },
        { number: 2, startBytes: 2 * mib, sizeBytes: 64 * mib, type: 'B', name: 'esp', fileSystem: 'fat' },
        {
          number: 3,
          startBytes: 66 * mib,
          sizeBytes: 1980 * mib,
          type: 'C',
          name: 'root',
          fileSystem: 'ext4',
        },
      ],
    },
    rootPartition: 3,
    rootFileSystem: 'ext4',
    kernelArguments: 'ro console=ttyS0',
    defaultUser: 'debian',
  },
  install: null,
  findings: [
    { check: 'kernel', result: 'ok', message: 'It has a kernel.' },
    { check: 'firewall', result: 'warning', message: 'A firewall is on.', remedy: 'Let SSH in.' },
    { check: 'ssh-server', result: 'fault', message: 'It has no SSH server.', remedy: 'Install one.' },
  ],
  lastUsedAt: null,
  createdAt: '2026-01-01T00:00:00.000Z',
};

describe('what is in an image', () => {
  it('is shown with its partitions and what it starts on', () => {
    const text = imageDetails(disk, plain);
    expect(text).toMatch(
      /^Partitions +GPT, for sectors of 512 bytes\n +1: 1\.05 MB\n +2 esp: fat, 67\.1 MB\n/m,
    );
    expect(text).toMatch(/^ +3 root: ext4, 2\.08 GB, the root\nStarts on +bios, uefi\nKernel arguments +ro/m);
    expect(text).toMatch(/^Check +1 fault, 1 warning$/m);
  });

  it('is nothing when nothing was read', () => {
    const text = imageDetails({ ...disk, description: null, findings: [] }, plain);
    expect(text).not.toMatch(/Partitions|Starts on|Check/);
    expect(findingsTable({ ...disk, findings: [] }, plain)).toBe(
      'Nothing is known of what is in the image cloud.\n',
    );
  });
});

describe('what was found of an image', () => {
  it('is a table with what to do', () => {
    expect(findingsTable(disk, plain)).toBe(
      [
        'RESULT   REQUIREMENT  FOUND',
        'ok       kernel       It has a kernel.',
        'warning  firewall     A firewall is on.',
        '                      Let SSH in.',
        'fault    ssh-server   It has no SSH server.',
        '                      Install one.',
      ].join('\n'),
    );
  });

  it('is told after an import only where something is amiss', () => {
    expect(complaints(disk, plain)).toBe(
      '\nwarning firewall: A firewall is on.\n  Let SSH in.\nfault ssh-server: It has no SSH server.\n  Install one.',
    );
    const well = { ...disk, findings: disk.findings.slice(0, 1) };
    expect(complaints(well, plain)).toBe('');
  });
});
