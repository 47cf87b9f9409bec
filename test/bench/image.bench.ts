/**
 * Writes one image to one virtual disk in several ways, side by side, and serves it to many machines beside nginx.
 * `npm run bench:image`, as root; needs nginx and rsync. What counts is the median of BENCH_ROUNDS rounds, in which the ways take
 * turns.
 */
import { createHash } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import Table from 'cli-table3';
import { execa } from 'execa';
import type { ImageView } from '#contract';
import { freePort } from '#platform';
import { RunningController } from '../support/running-controller.js';

import { type BenchImage, contentBytes, makeImage } from './image-content.js';
import { serve, type Serving } from './image-serving.js';
import { type Cost, run, type Way, ways } from './image-ways.js';

const MIB = 1024 * 1024;
const rounds = Number(process.env.BENCH_ROUNDS ?? 3);
const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'dodai-bench-image-'));
  await chmod(folder, 0o755);
  const image = await makeImage(folder);
  await symlink(dirname(image.stored.files.chunks), join(folder, 'stored'));
  await chmod(dirname(image.stored.files.chunks), 0o755);
  const nginx = await startNginx(folder);
  try {
    await writing(folder, image, nginx.url);
    await serving(image, nginx);
  } finally {
    await nginx.stop();
    await image.stored.remove();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Nginx {
  url: string;
  pid: number;
  stop: () => Promise<void>;
}

async function startNginx(root: string): Promise<Nginx> {
  const port = await freePort();
  const file = join(root, 'nginx.conf');
  await writeFile(
    file,
    `user root; worker_processes auto; pid ${root}/nginx.pid; error_log ${root}/error.log; events {}
     http { access_log off; sendfile on; tcp_nopush on; server { listen 127.0.0.1:${port}; root ${root}; } }`,
  );
  await execa('nginx', ['-c', file, '-e', `${root}/error.log`]);
  return {
    url: `http://127.0.0.1:${port}`,
    pid: Number(await readFile(join(root, 'nginx.pid'), 'utf8')),
    stop: async () => void (await execa('nginx', ['-c', file, '-s', 'stop'])),
  };
}

async function writing(folder: string, image: BenchImage, url: string): Promise<void> {
  const file = join(folder, 'disk');
  await execa('truncate', ['--size=8G', file]);
  const { stdout: disk } = await execa('losetup', ['--find', '--show', file]);
  const costs = new Map<Way, Cost[]>(ways.map((way) => [way, []]));
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const [way, each] of costs) {
        const work = await mkdtemp('/dev/shm/dodai-bench-work-');
        try {
          each.push(await run(way, image, { url, disk, work }));
        } finally {
          await rm(work, { recursive: true, force: true });
        }
        if (!way.name.startsWith("dodai's")) await execa('cmp', [`--bytes=${contentBytes}`, disk, image.raw]);
      }
    }
  } finally {
    await execa('losetup', ['--detach', disk]);
    await rm(file);
  }
  report(costs, image);
}

function report(costs: Map<Way, Cost[]>, image: BenchImage): void {
  const of = (each: Cost[], key: keyof Cost) => median(each.map((cost) => cost[key]));
  const plain = [...costs].find(([{ name }]) => name.includes('conv=sparse'))?.[1] ?? [];
  const first = [...costs.values()][0] ?? [];
  const { dataBytes } = image.stored.form;
  console.log(
    `2048 MiB, of which ${Math.round(dataBytes / MIB)} in chunks; medians of ${rounds} rounds; the disk is read equal after each run`,
  );
  const head = ['way', 'wall s', "of dodai's", 'of zstd sparse', 'CPU s', 'wire MiB', 'written MiB'];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const [{ name }, each] of costs) {
    const wall = of(each, 'wallSeconds');
    table.push([
      name,
      wall.toFixed(2),
      `${(of(first, 'wallSeconds') / wall).toFixed(1)} times faster`,
      `×${(wall / of(plain, 'wallSeconds')).toFixed(2)}`,
      of(each, 'cpuSeconds').toFixed(2),
      Math.round(of(each, 'wireBytes') / MIB),
      Math.round(of(each, 'writtenBytes') / MIB),
    ]);
  }
  console.log(`${table.toString()}\n`);
}

/** The boot role is in this very process, and the nginx that it starts is a child of it; the clients are other processes. */
async function serving(image: BenchImage, nginx: Nginx): Promise<void> {
  const bytes = (await stat(image.stored.files.chunks)).size;
  const plain = { url: `${nginx.url}/stored/chunks`, pid: nginx.pid, bytes };
  const head = ['clients', 'sent by', 'MB/s', 'CPU s/GiB', 'of plain nginx'];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const load of [
    { clients: 1, times: 10 },
    { clients: 50, times: 1 },
  ]) {
    const theirs = await serve(plain.url, { ...plain, ...load });
    const ways = [
      { name: 'nginx, as it is', serving: theirs },
      { name: 'the boot role with nginx (as delivered)', serving: await ourServing(image, load, 'nginx') },
      { name: 'the boot role where there is no nginx', serving: await ourServing(image, load, 'none') },
    ];
    for (const { name, serving } of ways) {
      table.push([
        load.clients,
        name,
        Math.round(serving.megabytesPerSecond),
        serving.cpuSecondsPerGib.toFixed(2),
        `×${(serving.cpuSecondsPerGib / theirs.cpuSecondsPerGib).toFixed(2)}`,
      ]);
    }
  }
  console.log(table.toString());
}

async function ourServing(
  image: BenchImage,
  load: { clients: number; times: number },
  sentBy: 'nginx' | 'none',
): Promise<Serving> {
  const port = sentBy === 'nginx' ? await freePort() : 0;
  const dodai = await RunningController.start({ DODAI_NGINX_PORT: String(port) });
  try {
    const body = await readFile(image.zst);
    const sha256 = createHash('sha256').update(body).digest('hex');
    const ask = { body, type: 'application/octet-stream' };
    const { body: made } = await dodai.ask<ImageView>('POST', `/v1/images?name=bench&sha256=${sha256}`, ask);
    const url = `${dodai.url}/boot/images/${made.id}`;
    return await serve(url, { pid: process.pid, ...load, bytes: made.compressedBytes });
  } finally {
    await dodai.end();
  }
}

await main();
