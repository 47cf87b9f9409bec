import { afterAll, beforeAll, expect, it } from 'vitest';
import { FaultLab } from './fault-lab.js';
import { violationsOfAll } from './invariants.js';
import { runScenarios } from './machine-campaign.js';
import { scenarios } from './machine-scenarios.js';
import { summary, table } from './table.js';

let lab: FaultLab;

beforeAll(async () => {
  lab = await FaultLab.start({ machines: 24, methods: ['netinstall', 'live', 'manual'] });
});
afterAll(() => lab?.end());

it('every machine comes to its end, whatever goes wrong in it, in its BMC or in what is asked', async () => {
  const rows = await runScenarios(lab, scenarios, 10);
  console.log(`${table(rows)}\n\n${summary(rows)}`);
  expect(rows.filter(({ faults }) => faults.length > 0)).toEqual([]);
  expect(await violationsOfAll(lab)).toEqual([]);
});
