/**
 * The metadata service with 1,000 instances and 200 callers at once, beside nginx with the same documents as files, and beside the
 * least that Node can do. `npm run bench:metadata`. The servers take turns; the best of BENCH_ROUNDS rounds counts: whatever else
 * the machine does can only make one slower.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import Table from 'cli-table3';
import { SimulatedRack } from '../simulated-rack/index.js';
import { load, type LoadFigures } from './metadata-load.js';
import {
  type MetadataServer,
  startBareNode,
  startNginx,
  startOurs,
  writeDocuments,
} from './metadata-servers.js';

const instances = Number(process.env.BENCH_INSTANCES ?? 1000);
const callers = Number(process.env.BENCH_CALLERS ?? 200);
const rounds = Number(process.env.BENCH_ROUNDS ?? 3);
const seconds = Number(process.env.BENCH_SECONDS ?? 10);
const paths = [
  ...['meta_data.json', 'network_data.json', 'vendor_data.json', 'user_data'].map(
    (name) => `/openstack/latest/${name}`,
  ),
  '/latest/meta-data/hostname',
];
const ways = [
  { name: 'a connection for each request', keepsConnection: false },
  { name: `${paths.length} requests on a connection`, keepsConnection: true },
];

type Best = Record<string, { server: string; figures: LoadFigures }[]>;

async function main(): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'dodai-bench-metadata-'));
  const rack = new SimulatedRack();
  rack.add(instances);
  const addresses = rack.machines.map(({ address }) => address);
  const servers: MetadataServer[] = [];
  try {
    const ours = await startOurs(rack);
    servers.push(ours);
    await first(ours, addresses);
    const documents = join(root, 'documents');
    await writeDocuments(documents, await fetchAll(ours, addresses));
    servers.push(await startNginx(documents), await startBareNode(documents));
    print(await measure(servers, addresses));
  } finally {
    for (const server of servers) await server.stop();
    rack.stop();
    await rm(root, { recursive: true, force: true });
  }
}

/** Every instance for the first time: its documents are made, and what it asked for goes on its timeline. */
async function first({ port }: MetadataServer, addresses: string[]): Promise<void> {
  const figures = await load({ port, addresses, paths, callers, keepsConnection: false });
  const { requestsPerSecond, ms, failed } = figures;
  console.log(
    `All ${addresses.length} instances for the first time: ${Math.round(requestsPerSecond)} requests/s, ` +
      `p50 ${ms.percentile(0.5).toFixed(0)} ms, p99 ${ms.percentile(0.99).toFixed(0)} ms, ${failed} failed`,
  );
}

async function fetchAll({ port }: MetadataServer, addresses: string[]): Promise<Map<string, Buffer>> {
  const documents = new Map<string, Buffer>();
  for (const address of addresses)
    for (const path of paths) documents.set(address + path, await fetchOne(port, address, path));
  return documents;
}

function fetchOne(port: number, localAddress: string, path: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, localAddress, path, agent: false }, (response) => {
      if (response.statusCode === 200) resolve(buffer(response));
      else reject(new Error(`${localAddress} was answered ${response.statusCode} for ${path}`));
    })
      .on('error', reject)
      .end();
  });
}

async function measure(servers: MetadataServer[], addresses: string[]): Promise<Best> {
  const best: Best = Object.fromEntries(ways.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1)
    for (const { name, keepsConnection } of ways)
      for (const { name: server, port } of servers) {
        const figures = await load({ port, addresses, paths, callers, seconds, keepsConnection });
        if (figures.failed > 0) throw new Error(`${server}: ${figures.failed} requests failed`);
        keep(best[name]!, server, figures);
      }
  return best;
}

function keep(best: Best[string], server: string, figures: LoadFigures): void {
  const known = best.find((one) => one.server === server);
  if (!known) best.push({ server, figures });
  else if (figures.requestsPerSecond > known.figures.requestsPerSecond) known.figures = figures;
}

function print(best: Best): void {
  for (const [way, results] of Object.entries(best)) {
    const [own] = results;
    const head = [
      `${callers} callers at once, ${way}`,
      'requests/s',
      'of it, dodai has',
      'p50 ms',
      'p99 ms',
      'dodai has',
    ];
    const table = new Table({ head, style: { head: [], border: [] } });
    for (const { server, figures } of results) {
      const { requestsPerSecond, ms } = figures;
      const p99 = ms.percentile(0.99);
      table.push([
        server,
        Math.round(requestsPerSecond),
        `×${(own!.figures.requestsPerSecond / requestsPerSecond).toFixed(2)}`,
        ms.percentile(0.5).toFixed(1),
        p99.toFixed(1),
        `×${(own!.figures.ms.percentile(0.99) / p99).toFixed(2)}`,
      ]);
    }
    console.log(`${table.toString()}\n`);
  }
}

await main();
