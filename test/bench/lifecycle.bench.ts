/**
 * A thousand simulated machines are installed at once by one controller: how soon it acts, how soon it answers, and what an
 * installation costs. `npm run bench:lifecycle`. Both queue backends one after the other, each on a fresh database.
 */
import { cpus, loadavg } from 'node:os';
import Table from 'cli-table3';
import type { Samples } from './lifecycle-figures.js';
import type { HandOverFigures } from './lifecycle-hand-over.js';
import { type InstallationsFigures, measureInstallations } from './lifecycle-installations.js';
import { crowd, measureSelection, type SelectionFigures } from './lifecycle-selection.js';
import { type Backend, backends, type Spent } from './lifecycle-site.js';

const plan = {
  machines: Number(process.env.BENCH_MACHINES ?? 1000),
  installS: Number(process.env.BENCH_INSTALL_S ?? 300),
  spreadS: Number(process.env.BENCH_SPREAD_S ?? 90),
};
const inventory = Number(process.env.BENCH_INVENTORY ?? 10_000);

/** A line of the table: the same figure of each backend, in the order of `backends`. */
type Line = [name: string, values: number[], aim?: string];

async function eachBackend<T>(measure: (backend: Backend) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (const backend of backends) results.push(await measure(backend));
  return results;
}

function print(title: string, lines: Line[]): void {
  const head = [title, ...backends, `${backends[0]} : ${backends[1]}`, 'aim'];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const [name, values, aim = ''] of lines) {
    const [first = Number.NaN, second = Number.NaN] = values;
    table.push([name, ...values.map(shown), `×${shown(first / second)}`, aim]);
  }
  console.log(`${table.toString()}\n`);
}

function shown(value: number): string {
  return Number.isFinite(value) ? value.toFixed(Math.abs(value) < 10 ? 2 : 0) : '–';
}

function percentiles<T>(name: string, of: (figures: T) => Samples, all: T[], aim?: string): Line[] {
  return [
    [`${name}, p50 ms`, all.map((figures) => of(figures).percentile(0.5))],
    [`${name}, p99 ms`, all.map((figures) => of(figures).percentile(0.99)), aim],
  ];
}

function speedLines(all: InstallationsFigures[]): Line[] {
  return [
    ['all installed, s', all.map(({ allInstalledS }) => allInstalledS)],
    ...percentiles('install_reboot answered → soft-off at the BMC', (f) => f.actionMs, all, 'p99 < 100'),
    ...percentiles('install_reboot said → answered', (f) => f.notifyMs, all),
    ...percentiles('install_reboot said → on the event stream', (f) => f.seenMs, all),
    ...percentiles('GET /v1/machines?limit=100', (f) => f.probed.list, all, 'p99 < 200'),
    ...percentiles('GET /v1/machines/NAME', (f) => f.probed.get, all, 'p99 < 200'),
    ...percentiles('POST /v1/instances', (f) => f.probed.spawn, all, 'p99 < 200'),
    ...percentiles(`POST /v1/instances, all ${plan.machines} at once`, (f) => f.spawnMs, all),
    ['memory of the controller at most, MiB', all.map((figures) => figures.peakMemoryMib)],
    ['lag of the simulation itself, p99 ms', all.map(({ ownDelayP99Ms }) => ownDelayP99Ms)],
  ];
}

type Count = { [K in keyof Spent]: Spent[K] extends number ? K : never }[keyof Spent];

function costLines(all: InstallationsFigures[]): Line[] {
  const each = (name: string, count: Count): Line => [
    name,
    all.map(({ before, after, installed }) => (after[count] - before[count]) / installed),
  ];
  const ofTable = (table: string, of: 'inserted' | 'updated' | 'deleted'): Line => [
    `rows ${of}: ${table}`,
    all.map(
      ({ before, after, installed }) =>
        ((after.rows[table]?.[of] ?? 0) - (before.rows[table]?.[of] ?? 0)) / installed,
    ),
  ];
  const tables = [...new Set(all.flatMap(({ after }) => Object.keys(after.rows)))].sort();
  const rows = tables
    .flatMap((table) => [ofTable(table, 'inserted'), ofTable(table, 'updated'), ofTable(table, 'deleted')])
    .filter(([, values]) => values.some((value) => value >= 0.05));
  return [
    each('CPU seconds: controller', 'controllerCpuS'),
    each('CPU seconds: PostgreSQL', 'postgresCpuS'),
    each('CPU seconds: Redis', 'redisCpuS'),
    each('CPU seconds: the simulated machine', 'rackCpuS'),
    each('transactions', 'transactions'),
    ...rows,
  ];
}

function handOverLines(all: HandOverFigures[]): Line[] {
  return [
    ...percentiles('one after the other', ({ aloneMs }) => aloneMs, all),
    ...percentiles(`${crowd} at once`, ({ crowdMs }) => crowdMs, all),
  ];
}

function selectionLines(all: SelectionFigures[]): Line[] {
  return [
    ...percentiles('one after the other', ({ aloneMs }) => aloneMs, all, 'p99 < 20'),
    ...percentiles(`${crowd} at once`, ({ crowdMs }) => crowdMs, all),
  ];
}

const { machines, installS, spreadS } = plan;
console.log(`${cpus().length} cores, Node ${process.version}, load average ${loadavg()[0]?.toFixed(1)}`);
console.log(
  `${machines} machines, ${installS} s of writing each, out of their firmware within ${spreadS} s\n`,
);
const installations = await eachBackend((backend) => measureInstallations(backend, plan));
print('Speed', speedLines(installations));
print('Cost of one installation', costLines(installations));
print('From spawn to used, by hand-over', handOverLines(installations.map(({ handOver }) => handOver)));
const selections = await eachBackend((backend) => measureSelection(backend, inventory));
print(`POST /v1/instances among ${inventory} machines`, selectionLines(selections));
