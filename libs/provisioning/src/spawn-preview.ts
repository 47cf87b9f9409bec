import type { Assessment, Way } from '#store';

/** What spawn would do at this moment, as short for ten thousand machines as for one. */
export interface SpawnPreview {
  /** null: no machine will do. */
  chosen: (Assessment['machine'] & { way: Way }) | null;
  /** How many others would do too. */
  alternatives: number;
  refused: Refused[];
}

interface Refused {
  reason: string;
  count: number;
  /** Names of the first of them. */
  machines: string[];
}

const notAskedFor = 'is not the one asked for';

/** Of machines in the order in which they would be tried. Each is counted with every reason that speaks against it. */
export function previewOf(assessed: readonly Assessment[], mostNamed: number): SpawnPreview {
  const fit = assessed.flatMap(({ machine, way, reasons }) =>
    way !== null && reasons.length === 0 ? [{ ...machine, way }] : [],
  );
  const byReason = new Map<string, Refused>();
  for (const { machine, reasons } of assessed) {
    // When one machine is asked for, nothing else matters about the others.
    for (const reason of reasons.includes(notAskedFor) ? [notAskedFor] : reasons) {
      const group = byReason.get(reason) ?? { reason, count: 0, machines: [] };
      group.count += 1;
      if (group.machines.length < mostNamed) group.machines.push(machine.name);
      byReason.set(reason, group);
    }
  }
  const refused = [...byReason.values()].sort((a, b) => b.count - a.count);
  return { chosen: fit[0] ?? null, alternatives: Math.max(0, fit.length - 1), refused };
}
