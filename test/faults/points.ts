/**
 * Where lives can be cut: commands to BMCs, words, rows of the timeline, each before it takes effect and after, and what a machine does
 * by itself; counted by machine.
 */
export class Points {
  private readonly trace = new Map<string, string[]>();
  private readonly armed: { machine: string; point: string }[] = [];

  /** Is told of each armed point that is come by, once. */
  constructor(private readonly strike: () => void) {}

  /** The machine is to be struck when it comes by this point. */
  arm(machine: string, point: string): void {
    this.armed.push({ machine, point });
  }

  /** Takes back what was armed and not come by; how many that were. */
  disarm(): number {
    return this.armed.splice(0).length;
  }

  /** What the machine came by since it was last forgotten, in order. */
  of(machine: string): readonly string[] {
    return this.trace.get(machine) ?? [];
  }

  forget(machine: string): void {
    this.trace.delete(machine);
  }

  /** Says that a machine is at a point; true: it was struck there. */
  pass(machine: string, what: string, when: 'before' | 'after'): boolean {
    const passed = this.trace.get(machine) ?? [];
    const time = passed.filter((point) => point.startsWith(`${what} ${when} #`)).length + 1;
    const point = `${what} ${when} #${time}`;
    this.trace.set(machine, [...passed, point]);
    const index = this.armed.findIndex((armed) => armed.machine === machine && armed.point === point);
    if (index < 0) return false;
    this.armed.splice(index, 1);
    this.strike();
    return true;
  }
}
