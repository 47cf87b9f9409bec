import { describe, expect, it } from 'vitest';
import {
  onPostgres,
  onRedis,
  runControllerScenario,
  sharedMethods,
} from '../../faults/controller-scenarios.js';
import { FaultLab, type LabOptions, patient } from '../../faults/fault-lab.js';
import { violationsOfAll } from '../../faults/invariants.js';
import { killShared } from '../../faults/kill-campaign.js';
import { runScenarios } from '../../faults/machine-campaign.js';
import { scenarios } from '../../faults/machine-scenarios.js';
import { type Row, summary } from '../../faults/table.js';

/** The short form of the campaign; the long one is `npm run test:faults`. */
describe.concurrent('nothing is lost', { timeout: 300_000 }, () => {
  async function survive(options: LabOptions, campaign: (lab: FaultLab) => Promise<Row[]>): Promise<void> {
    const lab = await FaultLab.start(options);
    try {
      const rows = await campaign(lab);
      console.log(summary(rows));
      expect(rows.length).toBeGreaterThan(0);
      expect(rows.filter(({ faults }) => faults.length > 0)).toEqual([]);
      expect(await violationsOfAll(lab)).toEqual([]);
    } finally {
      await lab.end();
    }
  }

  it('whatever goes wrong in a machine, in its BMC, or in what is asked', () =>
    survive({ machines: 12 }, (lab) =>
      runScenarios(
        lab,
        scenarios.filter(({ short }) => short),
        12,
      ),
    ));

  it('when the controller is killed, its database crashes, its queue is emptied or its clock is set', () =>
    survive({ machines: 8, environment: patient, methods: sharedMethods }, async (lab) => {
      const rows = await killShared(lab, [
        ['install', 'power on after #1'],
        ['destroy', 'word deleted after #1'],
        ['install', 'rows stage.changed booting_disk after #1'],
        ['destroy', 'rows state.changed inactive before #1'],
        ['reuse', 'rows stage.changed installed after #1'],
      ]);
      for (const scenario of onPostgres.filter(({ short }) => short))
        rows.push(await runControllerScenario(lab, scenario, 'controller, queue in PostgreSQL'));
      return rows;
    }));

  it('when the queue is in a Redis that is killed', () =>
    survive({ machines: 4, environment: patient, redis: true, methods: sharedMethods }, async (lab) => {
      const rows: Row[] = [];
      for (const scenario of onRedis.filter(({ short, name }) => short && name.includes('Redis')))
        rows.push(await runControllerScenario(lab, scenario, 'controller, queue in Redis'));
      return rows;
    }));
});
