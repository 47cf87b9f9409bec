import { Counter, Gauge, type Registry } from 'prom-client';
import type { PowerSync } from '#provisioning';

/** How the power sync of this process fares, and how far the record of all machines at rest is behind. */
export function registerPowerMetrics(sync: PowerSync, registers: Registry[]): void {
  new Counter({
    name: 'dodai_power_looks_total',
    help: 'Looks of the power sync at BMCs, by how they ended: ok, or the code of the error',
    labelNames: ['result'],
    registers,
    collect() {
      this.reset();
      for (const [result, count] of sync.tally) this.inc({ result }, count);
    },
  });
  const oldest = new Gauge({
    name: 'dodai_power_oldest_seconds',
    help: 'Age of the oldest power state of a machine at rest whose BMC answers',
    registers,
  });
  new Gauge({
    name: 'dodai_bmcs_failing',
    help: 'BMCs of machines at rest that did not answer the last look, or not as they should',
    registers,
    async collect() {
      const { oldestSeconds, failing } = await sync.lag();
      oldest.set(oldestSeconds);
      this.set(failing);
    },
  });
}
