import type { Slot } from '../simulated-rack/index.js';
import type { FaultLab } from './fault-lab.js';
import { violationsOn } from './invariants.js';
import { type End, endOf, type LifeName, lives, mend } from './lives.js';
import type { Row } from './table.js';

/** Rows that tell of requests only, and looks at the power after the first two: there are many, and nothing begins or ends there. */
const dull =
  /^rows (http|tftp|installer|console|power)\.|^power status .*#([3-9]|\d\d)$|^rows notify\.progress/;

/** Every point that a machine comes by in this work on a good day. */
async function pointsOf(lab: FaultLab, slot: Slot, life: LifeName): Promise<string[]> {
  lab.points.forget(slot.machine.name);
  await lives[life].begin(lab, slot);
  const end = await endOf(lab, slot, life);
  if (end !== 'same') throw new Error(`${life} without any fault ended with ${end}`);
  return lab.points.of(slot.machine.name).filter((point) => !dull.test(point));
}

/** Kills the controller when the machine comes by the point, and sees where that ends. */
async function killAt(lab: FaultLab, slot: Slot, life: LifeName, point: string): Promise<Row> {
  const { name, truth } = slot.machine;
  const startedMs = performance.now();
  const { powerOns, resets, wipes } = truth;
  const killed = lab.kills;
  lab.points.forget(name);
  lab.points.arm(name, point);
  const row = { group: `kill -9, ${life}`, name: point, faults: [] as string[] };
  let end: End = 'nothing';
  try {
    await lives[life].begin(lab, slot);
    end = await endOf(lab, slot, life);
    await lab.up;
    if (lab.points.disarm() > 0 || lab.kills === killed) row.faults.push('was not come by');
    if (end === 'same') {
      const often = life === 'install' ? 2 : 1;
      if (truth.powerOns - powerOns > often)
        row.faults.push(`${truth.powerOns - powerOns} times switched on`);
      if (truth.resets > resets) row.faults.push('was reset');
      if (life === 'destroy' && truth.wipes - wipes > 1) row.faults.push('was wiped twice');
    } else if (end !== 'installer-failed' || (await mend(lab, slot, life)) !== 'same')
      row.faults.push(`${end}, and no retry led to the end`);
    row.faults.push(...(await violationsOn(lab, slot)));
  } catch (error) {
    row.faults.push(String(error));
  }
  return { ...row, end, seconds: (performance.now() - startedMs) / 1000 };
}

/** One machine through install and destroy again and again, killed at one point each time. */
export async function killEverywhere(lab: FaultLab, slot: Slot, tell: (row: Row) => void): Promise<Row[]> {
  const install = await pointsOf(lab, slot, 'install');
  const destroy = await pointsOf(lab, slot, 'destroy');
  const rows: Row[] = [];
  for (let index = 0; index < Math.max(install.length, destroy.length); index++)
    for (const [life, points] of [
      ['install', install],
      ['destroy', destroy],
    ] as const) {
      const row = await killAt(lab, slot, life, points[index % points.length] ?? '');
      tell(row);
      rows.push(row);
    }
  return rows;
}

/** Kills that many machines at different moments share. */
export async function killShared(
  lab: FaultLab,
  kills: readonly (readonly [LifeName, string])[],
): Promise<Row[]> {
  const startedMs = performance.now();
  const { slots } = lab;
  const works = slots.map((slot, index) => ({ slot, life: kills[index % kills.length]?.[0] ?? 'install' }));
  await Promise.all(
    works.map(async ({ slot, life }) => {
      if (life === 'destroy') await pointsOf(lab, slot, 'install');
      lab.points.forget(slot.machine.name);
    }),
  );
  for (const [index, [, point]] of kills.entries()) lab.points.arm(slots[index]?.machine.name ?? '', point);
  return Promise.all(
    works.map(async ({ slot, life }): Promise<Row> => {
      await lives[life].begin(lab, slot);
      let end = await endOf(lab, slot, life);
      const faults = await violationsOn(lab, slot);
      if (end === 'installer-failed' && (await mend(lab, slot, life)) !== 'same') end = 'not mended';
      if (end !== 'same' && end !== 'installer-failed') faults.push(end);
      const seconds = (performance.now() - startedMs) / 1000;
      return { group: 'kill -9, shared', name: `${life}: ${slot.machine.name}`, end, seconds, faults };
    }),
  );
}
