import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import {
  fillDisk,
  onPostgres,
  onRedis,
  runControllerScenario,
  sharedMethods,
} from './controller-scenarios.js';
import { FaultLab, patient } from './fault-lab.js';
import { type Row, summary, table } from './table.js';

it.each([
  ['PostgreSQL', false, onPostgres],
  ['Redis', true, onRedis],
] as const)('nothing is lost, with the queue in %s', async (queue, redis, scenarios) => {
  const lab = await FaultLab.start({ machines: 8, environment: patient, redis, methods: sharedMethods });
  const rows: Row[] = [];
  try {
    for (const scenario of scenarios) {
      rows.push(await runControllerScenario(lab, scenario, `controller, queue in ${queue}`));
      console.log(table(rows.slice(-1)));
      if (rows.at(-1)?.faults.length) break;
    }
  } finally {
    console.log(`${table(rows)}\n\n${summary(rows)}`);
    await lab.end();
  }
  expect(rows.filter(({ faults }) => faults.length > 0)).toEqual([]);
});

it('nothing is lost when the disk of PostgreSQL is full for a while', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'dodai-full-'));
  await execa('mount', ['-t', 'tmpfs', '-o', 'size=400m,mode=0755', 'tmpfs', directory]);
  try {
    const lab = await FaultLab.start({
      machines: 4,
      environment: patient,
      methods: sharedMethods,
      postgresDirectory: directory,
    });
    try {
      const fault = () => fillDisk(lab, directory);
      const row = await runControllerScenario(lab, { name: 'the disk is full', fault }, 'disk');
      console.log(table([row]));
      expect(row.faults).toEqual([]);
    } finally {
      await lab.end();
    }
  } finally {
    await execa('umount', ['--lazy', directory]);
    await rm(directory, { recursive: true, force: true });
  }
});
