import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { freePort } from '#platform';
import { execa } from 'execa';
import type { SimulatedRack } from '../simulated-rack/index.js';
import { enrol, simulatedType } from '../simulated-rack/index.js';
import { Site } from './lifecycle-site.js';

export interface MetadataServer {
  name: string;
  port: number;
  stop: () => Promise<void>;
}

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIAVG61J4FmEt0fZ1zMATC1+4SKWZno+Zp5WF59cYpqG owner@desk';
const userData = `#!/bin/sh\n${'echo "a line of a script"\n'.repeat(100)}`;

/**
 * The controller in a process of its own, with an instance on every machine. It does not play the conductor: nothing is installed
 * meanwhile, and an instance may read its documents from its first moment.
 */
export async function startOurs(rack: SimulatedRack): Promise<MetadataServer> {
  const port = await freePort();
  const site = await Site.raise(rack, 'PostgreSQL', {
    DODAI_ROLES: 'api,boot',
    DODAI_METADATA_PORT: String(port),
    DODAI_METADATA_RATE: '1000000',
  });
  try {
    await occupy(site, rack);
  } catch (error) {
    await site.stop();
    throw error;
  }
  return { name: 'dodai', port, stop: () => site.stop() };
}

async function occupy({ client, image, sql }: Site, rack: SimulatedRack): Promise<void> {
  await enrol(client, rack.slots);
  await sql.query(`UPDATE machines SET state = 'inactive'`);
  for (const { machine } of rack.slots) {
    const wish = { hostName: machine.name, machine: machine.name, sshKeys: [key], userData };
    await client.spawn({ ...wish, image: image.id, instanceType: simulatedType.name });
  }
  await sql.query('ANALYZE');
}

/** What our server says to everybody, in a folder for each address. */
export async function writeDocuments(folder: string, documents: ReadonlyMap<string, Buffer>): Promise<void> {
  for (const [name, content] of documents) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
}

/** One worker: Node has one, too. */
export async function startNginx(folder: string): Promise<MetadataServer> {
  const port = await freePort();
  const file = join(folder, '..', 'nginx.conf');
  const log = join(folder, '..', 'nginx-error.log');
  await writeFile(
    file,
    `user root; worker_processes 1; daemon off; pid ${file}.pid; error_log ${log}; events { worker_connections 2048; }
http { access_log off; keepalive_requests 100000; open_file_cache max=10000; server {
  listen 127.0.0.1:${port}; root ${folder}/$remote_addr;
} }`,
  );
  const nginx = execa('nginx', ['-c', file, '-e', log], { reject: false });
  await execa('curl', [
    '--silent',
    '--retry',
    '20',
    '--retry-connrefused',
    '--retry-delay',
    '1',
    `http://127.0.0.1:${port}/`,
  ]);
  return { name: 'nginx, files', port, stop: () => end(nginx) };
}

export async function startBareNode(folder: string): Promise<MetadataServer> {
  const port = await freePort();
  const program = join(import.meta.dirname, 'metadata-bare-server.js');
  const node = execa('node', [program, String(port), folder], { reject: false });
  await once(node.stdout, 'data');
  return { name: 'bare Node', port, stop: () => end(node) };
}

async function end(child: ReturnType<typeof execa<{ reject: false }>>): Promise<void> {
  child.kill('SIGTERM');
  await child;
}
