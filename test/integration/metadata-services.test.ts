import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  answerOf,
  ec2Folder,
  folder,
  noCloudFolder,
  openStackFolder,
  type TreeFolder,
  vendorFolder,
} from '#metadata';
import { afterEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { askCloudInit } from '../support/cloud-init-reader.js';
import { cardsOf, instanceMatrix, type MatrixInstance } from '../support/instance-matrix.js';

let server: Server | undefined;
afterEach(async () => {
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  server = undefined;
});

/** Every form at once, as a metadata service has them. */
const treeOf = ({ instance, data }: MatrixInstance): TreeFolder =>
  folder({
    ...Object.fromEntries(ec2Folder(instance, data).entries),
    openstack: openStackFolder(instance, data),
    nocloud: noCloudFolder(instance, data),
    vendor: vendorFolder(instance, data),
  });

/** Answers with what stands in the tree, and nothing else. */
async function serve(tree: TreeFolder): Promise<string> {
  server = createServer((request, response) => {
    const answer = answerOf(tree, new URL(request.url ?? '/', 'http://localhost').pathname);
    response.writeHead(answer ? 200 : 404, { 'content-type': answer?.mediaType ?? 'text/plain' });
    response.end(answer?.content);
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const inBase64 = (data: Buffer | null) => data?.toString('base64') ?? '';

describe.each(Object.entries(instanceMatrix))('over HTTP, an instance %s', (_, made) => {
  const { instance, data } = made;
  const { configuration } = instance;
  const macs = cardsOf(instance);
  const same = { warnings: [], instanceId: instance.id, hostName: instance.hostName };

  it("tells cloud-init's OpenStack source all", async () => {
    const url = await serve(treeOf(made));
    const understood = await askCloudInit({ source: 'openstack', url, macs });
    expect(understood).toMatchObject({
      ...same,
      keys: configuration.sshKeys,
      userData: inBase64(data.userData),
      vendorData: inBase64(data.vendorData),
      files: Object.fromEntries(configuration.files.map(({ path, base64 }) => [path, base64])) as object,
      metadata: { meta: configuration.metadata },
      ec2: { 'instance-id': instance.id },
    });
    expect(understood.network).not.toBeNull();
  });

  it.each(['2009-04-04', '2018-09-24', '2021-03-23', 'latest'])(
    "tells cloud-init's EC2 source all that version %s has",
    async (version) => {
      const url = await serve(treeOf(made));
      const understood = await askCloudInit({ source: 'ec2', url, version, macs });
      expect(understood).toMatchObject({
        ...same,
        keys: configuration.sshKeys,
        userData: inBase64(data.userData),
        metadata: {
          'local-ipv4': expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/) as string,
          'instance-type': 'baremetal.small',
          placement: { 'availability-zone': 'nova' },
          'block-device-mapping': { ami: 'sda', root: '/dev/sda' },
        },
      });
      expect('network' in understood.metadata).toBe(version !== '2009-04-04');
    },
  );

  it("tells cloud-init's NoCloud source all that it has a place for", async () => {
    const url = await serve(treeOf(made));
    expect(await askCloudInit({ source: 'nocloud-net', url: `${url}/nocloud/`, macs })).toMatchObject({
      ...same,
      keys: configuration.sshKeys,
      userData: inBase64(data.userData),
      vendorData: inBase64(data.vendorData),
      metadata: { meta: configuration.metadata },
    });
  });
});

it('over HTTP, what cloud-init makes of the network of NoCloud is what stands there', async () => {
  const made = instanceMatrix['with a VLAN on a bond'];
  if (!made) throw new Error('the matrix has no such instance');
  const tree = treeOf(made);
  const url = await serve(tree);
  const macs = cardsOf(made.instance);
  const { network } = await askCloudInit({ source: 'nocloud-net', url: `${url}/nocloud/`, macs });
  expect(network?.config).toEqual(parse(answerOf(tree, '/nocloud/network-config')?.content.toString() ?? ''));
});
