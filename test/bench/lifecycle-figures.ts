import { readdirSync, readFileSync } from 'node:fs';

/** What was measured many times, told as few numbers. */
export class Samples {
  private readonly values: number[] = [];

  add(...values: number[]): void {
    this.values.push(...values);
  }

  get count(): number {
    return this.values.length;
  }

  /** @param share 0.5 for the median, 1 for the largest; NaN when nothing was measured */
  percentile(share: number): number {
    const sorted = [...this.values].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  }
}

const ticksPerSecond = 100;

/** CPU seconds of a process, and of those of its children that it has waited for (proc(5)). */
function cpuSecondsOf(pid: number | 'self'): { own: number; children: number } {
  const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const ticks = rest.split(' ').map(Number);
  const sum = (first: number) => ((ticks[first] ?? 0) + (ticks[first + 1] ?? 0)) / ticksPerSecond;
  return { own: sum(11), children: sum(13) };
}

export function processCpuSeconds(pid: number | 'self'): number {
  return cpuSecondsOf(pid).own;
}

/** Of a process with all its children, those that live and those that have ended. */
export function familyCpuSeconds(pid: number): number {
  const { own, children } = cpuSecondsOf(pid);
  return childrenOf(pid).reduce((sum, child) => sum + processCpuSeconds(child), own + children);
}

function childrenOf(parent: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
      return Number(rest.split(' ')[1]) === parent;
    } catch {
      return false; // it has just ended
    }
  });
}

/** The most memory that a process has held, in MiB. */
export function peakMemoryMib(pid: number): number {
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}
