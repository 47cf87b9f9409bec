/**
 * Compares the TFTP server with tftpd-hpa, atftpd and dnsmasq, all in one run on loopback. `npm run bench:tftp`. What counts is
 * the best of BENCH_ROUNDS rounds, in which the servers take turns: whatever else the machine does can only make one slower.
 */
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { execa } from 'execa';
import { LossyUdpProxy } from '../support/lossy-udp-proxy.js';
import { tftpGet } from '../support/tftp-client.js';
import { fetchSmallFiles } from './tftp-load.js';
import { type BenchServer, withServers } from './tftp-servers.js';

const MIB = 1024 * 1024;
const BIG_BYTES = 64 * MIB;
const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
const shapes = [
  { blockSize: 512, windowSize: 1 },
  { blockSize: 1468, windowSize: 1 },
  { blockSize: 1468, windowSize: 16 },
  { blockSize: 1468, windowSize: 64 },
];
const clientCounts = [1, 16, 200, 500];
const losses = [1, 5];
const lossyTransfers = 8;
const LOSSY_LIMIT_MS = 60_000;

type Row = string[];

async function main(): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'dodai-bench-'));
  try {
    await chmod(root, 0o755);
    const files = { big: BIG_BYTES, medium: MIB / 4, small: 300 };
    for (const [name, sizeBytes] of Object.entries(files)) {
      await writeFile(join(root, name), randomBytes(sizeBytes), { mode: 0o644 });
    }
    await withServers(root, 'small', async (servers) => {
      await throughput(servers);
      await smallFiles(servers);
      await underLoss(servers);
    });
  } finally {
    await rm(root, { recursive: true });
  }
}

async function throughput(servers: BenchServer[]): Promise<void> {
  const table = newTable(`64 MiB, MB/s, best of ${rounds} (windows ${5 * rounds})`, servers);
  for (const shape of shapes) {
    const perServer = new Map<BenchServer, number[]>(servers.map((server) => [server, []]));
    // Windows are so much faster that more rounds fit the same time.
    for (let round = 0; round < (shape.windowSize > 1 ? 5 * rounds : rounds); round += 1) {
      for (const [server, results] of perServer) results.push(await megabytesPerSecond(server, shape));
    }
    const best = [...perServer].map(([server, results]) => ({ server, value: Math.max(...results) }));
    const { blockSize, windowSize } = shape;
    const cells = withRatios(best, windowSize === 1 ? () => true : ({ hasWindows }) => hasWindows);
    table.push([`blksize ${blockSize}${windowSize > 1 ? `, windowsize ${windowSize}` : ''}`, ...cells]);
  }
  console.log(`${table.toString()}\n`);
}

async function megabytesPerSecond(
  { host, port, hasWindows }: BenchServer,
  { blockSize, windowSize }: { blockSize: number; windowSize: number },
): Promise<number> {
  if (windowSize > 1 && !hasWindows) return 0;
  const options = [`blksize ${blockSize}`, ...(windowSize > 1 ? [`windowsize ${windowSize}`] : [])];
  const optionArgs = options.flatMap((option) => ['--option', option]);
  const startedMs = performance.now();
  const args = [...optionArgs, '-g', '-r', 'big', '-l', '/dev/null', host, String(port)];
  await execa('atftp', args, { timeout: 120_000 });
  return BIG_BYTES / 1000 / (performance.now() - startedMs);
}

async function smallFiles(servers: BenchServer[]): Promise<void> {
  const table = newTable(`Files of 300 bytes, files/s, best of ${rounds}`, servers);
  for (const clients of clientCounts) {
    const results = servers.map((server) => ({ server, value: 0, failures: 0 }));
    for (let round = 0; round < rounds; round += 1) {
      for (const result of results) {
        const { filesPerSecond, failures } = await fetchSmallFiles(result.server, 'small', clients, 1000);
        result.value = Math.max(result.value, filesPerSecond);
        result.failures += failures;
      }
    }
    const failed = results.map(({ failures }) => (failures > 0 ? `, ${failures} failed` : ''));
    const cells = withRatios(results, () => true).map((cell, index) => `${cell}${failed[index]}`);
    table.push([`${clients} at once`, ...cells]);
  }
  console.log(`${table.toString()}\n`);
}

async function underLoss(servers: BenchServer[]): Promise<void> {
  const table = newTable(`${lossyTransfers} × 256 KiB under loss: failed, median seconds`, servers);
  for (const loss of losses) {
    for (const windowSize of [1, 16]) {
      const cells: Row = [];
      for (const server of servers) cells.push(await lossyCell(server, loss / 100, windowSize));
      table.push([`${loss} %, windowsize ${windowSize}`, ...cells]);
    }
  }
  console.log(table.toString());
}

async function lossyCell(server: BenchServer, loss: number, windowSize: number): Promise<string> {
  if (windowSize > 1 && !server.hasWindows) return 'no windowsize';
  const proxy = new LossyUdpProxy({ target: server, loss, seed: 7 });
  const { port } = await proxy.start();
  const seconds: number[] = [];
  const fetchOne = async () => {
    const startedMs = performance.now();
    const options = { host: '127.0.0.1', port, blockSize: 1468, windowSize, maxTries: 10 };
    const got = tftpGet('medium', options).then(() => seconds.push((performance.now() - startedMs) / 1000));
    await Promise.race([got.catch(() => undefined), unrefSleep(LOSSY_LIMIT_MS)]);
  };
  await Promise.all(Array.from({ length: lossyTransfers }, fetchOne));
  await proxy.stop();
  const failed = lossyTransfers - seconds.length;
  return `${failed} of ${lossyTransfers}, ${seconds.length > 0 ? median(seconds).toFixed(1) : '–'} s`;
}

/** Each value with its ratio to the best of the other servers. */
function withRatios(
  results: { server: BenchServer; value: number }[],
  takesPart: (server: BenchServer) => boolean,
): Row {
  return results.map(({ server, value }) => {
    if (!takesPart(server)) return 'no windowsize';
    const others = results.filter((other) => other.server !== server && takesPart(other.server));
    const best = Math.max(...others.map((other) => other.value));
    return `${Math.round(value)} (×${(value / best).toFixed(2)})`;
  });
}

function newTable(title: string, servers: BenchServer[]): Table.Table {
  return new Table({ head: [title, ...servers.map(({ name }) => name)], style: { head: [], border: [] } });
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function unrefSleep(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms).unref());
}

await main();
