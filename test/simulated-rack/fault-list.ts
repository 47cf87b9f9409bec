/** Faults with a number of times: each one that is taken counts down, and is gone when it has happened often enough. */
export class FaultList<Fault extends { kind: string; times?: number }> {
  private readonly faults: { fault: Fault; left: number }[] = [];

  constructor(private readonly usualTimes: (fault: Fault) => number) {}

  add(fault: Fault): void {
    this.faults.push({ fault, left: fault.times ?? this.usualTimes(fault) });
  }

  clear(): void {
    this.faults.length = 0;
  }

  /** The first that is meant, which has then happened once more. */
  take<Kind extends Fault['kind']>(
    kind: Kind,
    isMeant: (fault: Extract<Fault, { kind: Kind }>) => boolean = () => true,
  ): Extract<Fault, { kind: Kind }> | undefined {
    const index = this.faults.findIndex(({ fault }) => isOf(fault, kind) && isMeant(fault));
    const found = this.faults[index];
    if (!found) return undefined;
    found.left -= 1;
    if (found.left <= 0) this.faults.splice(index, 1);
    return isOf(found.fault, kind) ? found.fault : undefined;
  }
}

function isOf<Fault extends { kind: string }, Kind extends string>(
  fault: Fault,
  kind: Kind,
): fault is Extract<Fault, { kind: Kind }> {
  return fault.kind === kind;
}
