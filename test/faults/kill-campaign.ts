import type { Slot } from '../simulated-rack/index.js';
import type { FaultLab } from './fault-lab.js';
import { violationsOn } from './invariants.js';
import { come, type End, endOf, type LifeName, lives, mend, prepare, release } from './lives.js';
import type { Row } from './table.js';

/**
 * Rows that tell of requests only, and looks at the power after the first two: there are many, and nothing begins or ends there.
 * That a wait began is not told when its machine was sooner.
 */
const dull =
  /^rows (http|tftp|installer|console|power|wait|metadata)\.|^power status .*#([3-9]|\d\d)$|^rows notify\.progress/;

/** What a machine does by itself for a while, and the controller is away. */
const busy = /^moment (kernel|script|begin|image|wipe|disk|metadata) /;

/**
 * Two programs give up where a controller is away: an installer asks once for its answers, and cloud-init for some seconds who it is. Then
 * the deadline has the machine started once more, and that takes its time.
 */
const patienceMs = 300_000;

/** An installer switches its machine off by itself: whether the BMC is asked then depends on who is sooner. */
const raced = /^power softOff |^rows bmc\.command (softOff|status) .*#[2-9]$/;

/** How often the power is switched on in each work on a good day. */
const powerOnsOf: Record<LifeName, number> = {
  ...{ install: 2, pool: 2, reuse: 0, destroy: 1 },
  ...{ image: 2, netinstall: 2, live: 1, manual: 1 },
};

/** Every point that a machine comes by in this work on a good day. */
async function pointsOf(lab: FaultLab, slot: Slot, life: LifeName): Promise<string[]> {
  await prepare(lab, slot, life);
  lab.points.forget(slot.machine.name);
  const end = await come(lab, slot, life);
  if (end !== 'same') throw new Error(`${life} without any fault ended with ${end}`);
  const isWorthIt = (point: string) => {
    if (life === 'netinstall' && raced.test(point)) return false;
    return point.startsWith('moment ') ? busy.test(point) : !dull.test(point);
  };
  return lab.points.of(slot.machine.name).filter(isWorthIt);
}

/** Kills the controller when the machine comes by the point, and sees where that ends. */
async function killAt(lab: FaultLab, slot: Slot, life: LifeName, point: string): Promise<Row> {
  const { name, truth } = slot.machine;
  const startedMs = performance.now();
  await prepare(lab, slot, life);
  const { powerOns, resets, wipes, standstills } = truth;
  const killed = lab.kills;
  lab.points.forget(name);
  lab.points.arm(name, point);
  const row = { group: `kill -9, ${life}`, name: point, faults: [] as string[] };
  let end: End = 'nothing';
  try {
    await lives[life].begin(lab, slot);
    end = await endOf(lab, slot, life, patienceMs);
    await lab.up();
    if (lab.points.disarm() > 0 || lab.kills === killed) row.faults.push('was not come by');
    if (end === 'same') {
      const often = truth.powerOns - powerOns;
      if (often > powerOnsOf[life] + truth.standstills - standstills)
        row.faults.push(`${often} times switched on`);
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

/** One machine through this work again and again, killed at one point each time. */
export async function killEverywhere(
  lab: FaultLab,
  slot: Slot,
  life: LifeName,
  tell: (row: Row) => void,
): Promise<Row[]> {
  const points = await pointsOf(lab, slot, life);
  const rows: Row[] = [];
  for (const point of points) {
    await release(lab, slot);
    const row = await killAt(lab, slot, life, point);
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
      await prepare(lab, slot, life);
      lab.points.forget(slot.machine.name);
    }),
  );
  for (const [index, [, point]] of kills.entries()) lab.points.arm(slots[index]?.machine.name ?? '', point);
  return Promise.all(
    works.map(async ({ slot, life }): Promise<Row> => {
      let end = await come(lab, slot, life);
      const faults = await violationsOn(lab, slot);
      if (end === 'installer-failed' && (await mend(lab, slot, life)) !== 'same') end = 'not mended';
      if (end !== 'same' && end !== 'installer-failed') faults.push(end);
      const seconds = (performance.now() - startedMs) / 1000;
      if ((await release(lab, slot)) !== 'same') faults.push('could not be destroyed');
      return { group: 'kill -9, shared', name: `${life}: ${slot.machine.name}`, end, seconds, faults };
    }),
  );
}
