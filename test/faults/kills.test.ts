import { expect, it } from 'vitest';
import { FaultLab, patient } from './fault-lab.js';
import { killEverywhere } from './kill-campaign.js';
import type { LifeName } from './lives.js';
import { summary, table } from './table.js';

const methods = ['image', 'netinstall', 'live', 'manual'] as const;

it.concurrent.each<LifeName>(['install', 'destroy', 'reuse', ...methods])(
  'a controller that is killed anywhere in %s goes on where it stood',
  async (life) => {
    const lab = await FaultLab.start({
      machines: 1,
      environment: patient,
      methods: methods.filter((method) => method === life),
    });
    try {
      const [slot] = lab.slots;
      const rows = slot ? await killEverywhere(lab, slot, life, (row) => console.log(table([row]))) : [];
      console.log(summary(rows));
      expect(rows.filter(({ faults }) => faults.length > 0)).toEqual([]);
    } finally {
      await lab.end();
    }
  },
);
