import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from '#platform';
import { Callbacks } from '#provisioning';
import { EventStore } from '#store';
import { LOG } from '../parts.module.js';
import type { Machine } from '#core';
import type { Concerned } from './machine-resolver.js';

export interface BootFact {
  kind: string;
  message: string;
  data: Record<string, unknown>;
}

/** What machines fetch goes on their timelines; what strangers fetch goes to the log. */
@Injectable()
export class BootLog {
  private pending: Promise<void> = Promise.resolve();
  private readonly unwritten = new Set<Promise<void>>();

  constructor(
    private readonly events: EventStore,
    private readonly callbacks: Callbacks,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  /**
   * Facts are handed over in the order they are told, and written together when they are many. Never throws: a boot does not
   * depend on its record.
   */
  record(whose: Promise<Concerned | null>, fact: BootFact): void {
    whose.catch(() => undefined); // it is looked at below
    this.pending = this.pending
      .then(async () => this.handOver(await whose, fact))
      .catch((error: unknown) => this.warn(error, fact));
  }

  /** What follows from an enrolled machine's record, if anything; of strangers there is none. */
  recordIfAny(whose: Promise<Machine | null>, factOf: (machine: Machine) => BootFact | null): void {
    whose.catch(() => undefined); // it is looked at below
    this.pending = this.pending
      .then(async () => {
        const machine = await whose;
        const fact = machine && factOf(machine);
        if (fact) this.handOver(machine, fact);
      })
      .catch((error: unknown) => this.log.warn({ err: error }, 'a boot fact could not be found'));
  }

  /** Resolves when all that was told is written. */
  async settled(): Promise<void> {
    await this.pending;
    await Promise.all(this.unwritten);
  }

  private handOver(machine: Concerned | null, fact: BootFact): void {
    if (!machine) return this.log.info(fact.data, `a stranger: ${fact.message}`);
    const written: Promise<void> = this.write(machine, fact)
      .catch((error: unknown) => this.warn(error, fact))
      .finally(() => this.unwritten.delete(written));
    this.unwritten.add(written);
  }

  private async write(machine: Concerned, fact: BootFact): Promise<void> {
    await this.events.append({ ...fact, machineId: machine.id, instanceId: machine.instanceId });
    if (fact.kind === 'http.completed') await this.callbacks.heardOf(machine.id);
  }

  private warn(error: unknown, fact: BootFact): void {
    this.log.warn({ err: error, fact }, 'a boot fact could not be recorded');
  }
}
