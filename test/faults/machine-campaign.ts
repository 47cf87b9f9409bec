import type { Slot } from '../simulated-rack/index.js';
import type { FaultLab } from './fault-lab.js';
import { violationsOn } from './invariants.js';
import { type End, endOf, lives, mend, prepare, release } from './lives.js';
import type { Scenario } from './machine-scenarios.js';
import type { Row } from './table.js';

/** Goes through the scenarios, so many at a time. A machine that comes through is free again; one that does not is left as it is. */
export async function runScenarios(
  lab: FaultLab,
  scenarios: readonly Scenario[],
  atOnce: number,
): Promise<Row[]> {
  const left = [...scenarios];
  const free = [...lab.slots];
  const rows: Row[] = [];
  const work = async () => {
    for (let next = left.shift(); next; next = left.shift()) {
      const slot = free.shift();
      if (!slot) throw new Error('no machine is left that came through');
      const row = await runScenario(lab, slot, next);
      rows.push(row);
      if (row.faults.length === 0) free.push(slot);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return rows;
}

async function runScenario(lab: FaultLab, slot: Slot, scenario: Scenario): Promise<Row> {
  const { group, name, life, ends = life, expected } = scenario;
  const faults: string[] = [];
  const startedMs = performance.now();
  const sees = async () => faults.push(...(await violationsOn(lab, slot)));
  let end: End = 'nothing';
  try {
    await prepare(lab, slot, life);
    scenario.arrange(slot, lab);
    await lives[life].begin(lab, slot);
    end = await endOf(lab, slot, ends);
    await sees();
    if (!expected.includes(end)) faults.push(`${end} was not expected`);
    const mended = end === 'same' ? end : await mend(lab, slot, ends);
    if (mended !== 'same') faults.push(`a retry then led to: ${mended}`);
    await sees();
    const seconds = (performance.now() - startedMs) / 1000;
    slot.machine.faults.clear();
    slot.bmc.faults.clear();
    if ((await release(lab, slot)) !== 'same') faults.push('could not be destroyed');
    await sees();
    return { group, name: `${life}: ${name}`, end, seconds, faults };
  } catch (error) {
    return { group, name: `${life}: ${name}`, end, seconds: 0, faults: [...faults, String(error)] };
  }
}
