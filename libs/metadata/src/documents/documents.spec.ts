import { bondedNetwork, describedInstance } from '#testing';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import type { InstanceConfiguration } from '#core';
import type { DescribedInstance, InstanceData } from '../described-instance.js';
import { configDriveFolder } from './config-drive-documents.js';
import { answerOf, documentsOf, type TreeNode } from './document-tree.js';
import { ec2Folder } from './ec2-documents.js';
import { noCloudFolder } from './nocloud-documents.js';
import { openStackFolder } from './openstack-documents.js';
import { vendorFolder } from './vendor-documents.js';

const nothing: InstanceData = { userData: null, vendorData: null };
const both: InstanceData = {
  userData: Buffer.from([0x1f, 0x8b, 0xff]),
  vendorData: Buffer.from('#cloud-config\n'),
};
const bare = describedInstance();
const full: Partial<InstanceConfiguration> = {
  sshKeys: ['ssh-ed25519 AAAA ann@home', 'ssh-rsa BBBB'],
  files: [
    {
      path: '/etc/motd',
      base64: Buffer.from([0, 255, 10]).toString('base64'),
      mode: '0644',
      owner: 'root:root',
    },
    { path: '/opt/ü', base64: '', mode: '0755', owner: 'root:root' },
  ],
  metadata: { rack: 'Ü–7' },
  launchIndex: 3,
  network: bondedNetwork,
};

const textAt = (tree: TreeNode, path: string) => answerOf(tree, path)?.content.toString();
const jsonAt = (tree: TreeNode, path: string) =>
  JSON.parse(textAt(tree, path) ?? 'null') as Record<string, unknown>;
const pathsOf = (tree: TreeNode) => documentsOf(tree).map(([path]) => path);

describe('OpenStack documents', () => {
  it('have in every version the files that the version was brought out with', () => {
    const tree = openStackFolder(bare, both);
    const filesOf = (version: string) => textAt(tree, version)?.split('\n').sort();
    expect(filesOf('2012-08-10')).toEqual(['meta_data.json', 'user_data']);
    expect(filesOf('2013-10-17')).toEqual(['meta_data.json', 'user_data', 'vendor_data.json']);
    const withNetwork = ['meta_data.json', 'network_data.json', 'user_data', 'vendor_data.json'];
    expect(filesOf('2015-10-15')).toEqual(withNetwork);
    expect(filesOf('2016-06-30')).toEqual(withNetwork);
    for (const version of ['2016-10-06', '2017-02-22', '2018-08-27', '2020-10-14', 'latest']) {
      expect(filesOf(version)).toEqual([...withNetwork, 'vendor_data2.json'].sort());
    }
  });

  it('are listed by version, without slashes and without the files of the owner', () => {
    expect(textAt(openStackFolder(describedInstance(full), nothing), '')).toBe(
      '2012-08-10\n2013-04-04\n2013-10-17\n2015-10-15\n2016-06-30\n2016-10-06\n2017-02-22\n2018-08-27\n2020-10-14\nlatest',
    );
  });

  it('have in meta_data.json the keys that the version was brought out with', () => {
    const tree = openStackFolder(bare, nothing);
    const first = Object.keys(jsonAt(tree, '2012-08-10/meta_data.json'));
    const added = (version: string) =>
      Object.keys(jsonAt(tree, `${version}/meta_data.json`)).filter((key) => !first.includes(key));
    expect(added('2013-04-04')).toEqual(['random_seed']);
    expect(added('2015-10-15')).toEqual(['random_seed', 'project_id']);
    expect(added('2018-08-27')).toEqual(['random_seed', 'project_id', 'devices']);
    expect(added('latest')).toEqual(['random_seed', 'project_id', 'devices', 'dedicated_cpus']);
  });

  it('say who the instance is, and carry no password', () => {
    const instance = describedInstance({ ...full, passwordHash: '$6$salt$hash' });
    const metaData = jsonAt(openStackFolder(instance, nothing), 'latest/meta_data.json');
    expect(metaData).toMatchObject({
      uuid: instance.id,
      name: 'web-1',
      hostname: 'web-1',
      launch_index: 3,
      availability_zone: 'nova',
      project_id: 'blue',
      meta: { rack: 'Ü–7' },
      public_keys: { 'ann@home': 'ssh-ed25519 AAAA ann@home', 'key-1': 'ssh-rsa BBBB' },
      keys: [
        { name: 'ann@home', type: 'ssh', data: 'ssh-ed25519 AAAA ann@home' },
        { name: 'key-1', type: 'ssh', data: 'ssh-rsa BBBB' },
      ],
    });
    const everything = documentsOf(configDriveFolder(instance, nothing)).map(([, { content }]) =>
      content.toString(),
    );
    expect(everything.join('')).toContain('Ü–7');
    expect(everything.join('')).not.toContain('$6$');
  });

  it('have the files of the owner byte by byte where meta_data.json says', () => {
    const tree = openStackFolder(describedInstance(full), nothing);
    expect(jsonAt(tree, 'latest/meta_data.json')['files']).toEqual([
      { path: '/etc/motd', content_path: '/content/0000' },
      { path: '/opt/ü', content_path: '/content/0001' },
    ]);
    expect(answerOf(tree, '/content/0000')?.content).toEqual(Buffer.from([0, 255, 10]));
    expect(answerOf(tree, '/content/0001')?.content).toEqual(Buffer.alloc(0));
  });

  it('leave user data away when there is none, and pass it through untouched when there is some', () => {
    expect(answerOf(openStackFolder(bare, nothing), 'latest/user_data')).toBeNull();
    expect(answerOf(openStackFolder(bare, both), 'latest/user_data')?.content).toEqual(both.userData);
  });

  it('carry vendor data where cloud-init looks for it, and refuse what JSON cannot carry', () => {
    const vendorData = (data: InstanceData) => jsonAt(openStackFolder(bare, data), 'latest/vendor_data.json');
    expect(vendorData(both)).toEqual({ 'cloud-init': '#cloud-config\n' });
    expect(vendorData(nothing)).toEqual({});
    expect(() => vendorData({ userData: null, vendorData: Buffer.from([0x1f, 0x8b]) })).toThrow(
      expect.objectContaining({ code: 'invalid-request', context: { field: 'vendorData' } }),
    );
  });
});

describe('EC2 documents', () => {
  const namesOf = (instance: DescribedInstance, version: string) =>
    textAt(ec2Folder(instance, nothing), `${version}/meta-data/`)?.split('\n');

  it('are listed by version, and each version by its names and folders', () => {
    const tree = ec2Folder(bare, both);
    expect(textAt(tree, '/')?.split('\n')).toEqual(expect.arrayContaining(['1.0', '2009-04-04', 'latest']));
    expect(textAt(tree, '/')).not.toContain('/');
    expect(textAt(tree, '/2009-04-04')).toBe('meta-data/\nuser-data');
    expect(textAt(ec2Folder(bare, nothing), '/2009-04-04')).toBe('meta-data/');
  });

  it('have the names that the version was brought out with', () => {
    expect(namesOf(bare, '1.0')).toEqual([
      'ami-id',
      'ami-launch-index',
      'hostname',
      'instance-id',
      'local-ipv4',
      'reservation-id',
      'security-groups',
    ]);
    expect(namesOf(bare, '2009-04-04')).toEqual([
      'ami-id',
      'ami-launch-index',
      'block-device-mapping/',
      'hostname',
      'instance-action',
      'instance-id',
      'instance-type',
      'local-hostname',
      'local-ipv4',
      'placement/',
      'public-hostname',
      'public-ipv4',
      'reservation-id',
      'security-groups',
    ]);
    expect(namesOf(bare, 'latest')).toEqual(expect.arrayContaining(['mac', 'network/']));
  });

  it('list public keys by number and name, and give each by its number', () => {
    const tree = ec2Folder(describedInstance(full), nothing);
    expect(namesOf(describedInstance(full), 'latest')).toContain('public-keys/');
    expect(textAt(tree, 'latest/meta-data/public-keys/')).toBe('0=ann@home\n1=key-1');
    expect(textAt(tree, 'latest/meta-data/public-keys/1/')).toBe('openssh-key');
    expect(textAt(tree, 'latest/meta-data/public-keys/1/openssh-key')).toBe('ssh-rsa BBBB');
    expect(namesOf(bare, 'latest')).not.toContain('public-keys/');
  });

  it('leave out what is not known', () => {
    const unknown = describedInstance({}, { imageId: null, rootDevice: null, nics: [] });
    for (const name of ['ami-id', 'block-device-mapping/', 'local-ipv4', 'mac', 'network/']) {
      expect(namesOf(unknown, 'latest')).not.toContain(name);
    }
  });

  it('name the disk of the OS as EC2 does', () => {
    const tree = ec2Folder(bare, nothing);
    expect(textAt(tree, 'latest/meta-data/block-device-mapping/ami')).toBe('sda');
    expect(textAt(tree, 'latest/meta-data/block-device-mapping/root')).toBe('/dev/sda');
  });

  it('know a public address only where the own one is public', () => {
    const at = (address: string) =>
      textAt(
        ec2Folder(
          describedInstance({
            network: {
              links: [{ id: 'a', type: 'phy', nic: 'pxe' }],
              addresses: [{ type: 'static', link: 'a', address }],
              dns: { servers: [], searchDomains: [] },
            },
          }),
          nothing,
        ),
        'latest/meta-data/public-ipv4',
      );
    expect(at('8.8.8.8/24')).toBe('8.8.8.8');
    expect(at('192.168.1.1/24')).toBe('');
  });

  it('name the boot card and those with DHCP, for readers ask for DHCP on all that are named', () => {
    const macs = 'latest/meta-data/network/interfaces/macs';
    const tree = ec2Folder(describedInstance(full), nothing);
    expect(textAt(tree, macs)).toBe('52:54:00:00:00:01/');
    expect(textAt(tree, `${macs}/52:54:00:00:00:01/local-ipv4s`)).toBe('10.10.0.21');
    expect(textAt(tree, `${macs}/52:54:00:00:00:01`)).toBe('device-number\nlocal-hostname\nlocal-ipv4s\nmac');
  });

  it('are in a config drive one document a version, with the address that older scripts read', () => {
    const tree = configDriveFolder(describedInstance(full), both);
    expect(pathsOf(tree).filter((path) => path.startsWith('ec2/'))).toEqual([
      'ec2/2009-04-04/meta-data.json',
      'ec2/2009-04-04/user-data',
      'ec2/latest/meta-data.json',
      'ec2/latest/user-data',
    ]);
    expect(jsonAt(tree, 'ec2/latest/meta-data.json')).toMatchObject({
      'local-ipv4': '192.168.120.5',
      'public-keys': { '0': { 'openssh-key': 'ssh-ed25519 AAAA ann@home' } },
      placement: { 'availability-zone': 'nova' },
    });
  });
});

describe('NoCloud documents', () => {
  it('are four, the data empty when there is none', () => {
    const tree = noCloudFolder(bare, nothing);
    expect(pathsOf(tree)).toEqual(['meta-data', 'network-config', 'user-data', 'vendor-data']);
    expect(textAt(tree, 'user-data')).toBe('');
    expect(answerOf(noCloudFolder(bare, both), 'user-data')?.content).toEqual(both.userData);
  });

  it('say who the instance is', () => {
    expect(parse(textAt(noCloudFolder(describedInstance(full), nothing), 'meta-data') ?? '')).toMatchObject({
      'instance-id': bare.id,
      'local-hostname': 'web-1',
      'public-keys': full.sshKeys,
      meta: { rack: 'Ü–7' },
    });
  });
});

describe('documents in a namespace of the vendor', () => {
  it('give single values, all of them at once, and the metadata of the owner', () => {
    const tree = vendorFolder(describedInstance(full), both);
    expect(textAt(tree, '')).toBe('1.0\nlatest');
    expect(textAt(tree, 'latest')).toBe('meta_data/\nmeta_data.json\nuser_data');
    expect(textAt(tree, '1.0/meta_data/local-ipv4')).toBe('192.168.120.5');
    expect(textAt(tree, '1.0/meta_data/meta/rack')).toBe('Ü–7');
    expect(jsonAt(tree, 'latest/meta_data.json')).toMatchObject({
      'local-ipv4': '192.168.120.5',
      cluster: 'blue',
      meta: { rack: 'Ü–7' },
    });
  });
});
