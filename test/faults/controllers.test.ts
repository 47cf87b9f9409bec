import { expect, it } from 'vitest';
import { onPostgres, onRedis, runControllerScenario } from './controller-scenarios.js';
import { FaultLab, patient } from './fault-lab.js';
import { type Row, summary, table } from './table.js';

it.each([
  ['PostgreSQL', false, onPostgres],
  ['Redis', true, onRedis],
] as const)('nothing is lost, with the queue in %s', async (queue, redis, scenarios) => {
  const lab = await FaultLab.start({ machines: 8, environment: patient, redis });
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
