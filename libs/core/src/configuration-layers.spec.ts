import { describe, expect, it } from 'vitest';
import { layered } from './configuration-layers.js';
import type { ConfigurationLayer, ConfigurationSource } from './instance-configuration.js';

const of = (source: ConfigurationSource, layer: ConfigurationLayer) => ({ source, layer });
const file = (path: string, base64: string) => ({ path, base64, mode: '0644', owner: 'root:root' });

describe('layers of configuration', () => {
  it('of one value have that of the most special, and say whose it is', () => {
    const { configuration, sources } = layered([
      of('cluster', { passwordHash: '$6$a', configDrive: true }),
      of('machine', { configDrive: false }),
    ]);
    expect(configuration).toMatchObject({ passwordHash: '$6$a', configDrive: false });
    expect(sources).toEqual({ passwordHash: 'cluster', configDrive: 'machine' });
  });

  it('have the keys of all, each once', () => {
    const { configuration, sources } = layered([
      of('cluster', { sshKeys: ['ops', 'both'] }),
      of('spawn', { sshKeys: ['both', 'owner'] }),
    ]);
    expect(configuration.sshKeys).toEqual(['ops', 'both', 'owner']);
    expect(sources).toEqual({ 'sshKeys.0': 'cluster', 'sshKeys.1': 'cluster', 'sshKeys.2': 'spawn' });
  });

  it('have metadata by key, files by path', () => {
    const { configuration, sources } = layered([
      of('type', {
        metadata: { site: 'north', row: '1' },
        files: [file('/etc/motd', 'QQ=='), file('/etc/a', '')],
      }),
      of('spawn', { metadata: { row: '7' }, files: [file('/etc/motd', 'Qg==')] }),
    ]);
    expect(configuration.metadata).toEqual({ site: 'north', row: '7' });
    expect(configuration.files?.map(({ path, base64 }) => [path, base64])).toEqual([
      ['/etc/motd', 'Qg=='],
      ['/etc/a', ''],
    ]);
    expect(sources).toMatchObject({
      'metadata.site': 'type',
      'metadata.row': 'spawn',
      'files./etc/motd': 'spawn',
      'files./etc/a': 'type',
    });
  });
});
