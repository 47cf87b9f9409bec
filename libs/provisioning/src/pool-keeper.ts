import { type InstanceType, type MachineState, type TimelineEvent } from '#core';
import type { Clock, ClockTimer, Logger } from '#platform';
import type { EventFeed, InstanceTypeStore, MachineStore } from '#store';
import type { Spawning } from './spawning.js';

const everyMs = 60_000;
const pageSize = 200;
/** Where a machine comes to when the pool may have one too few, or one more to draw on. */
const tellingStates: ReadonlySet<unknown> = new Set<MachineState>(['inactive', 'handing_over', 'deleting']);

interface Stores {
  machines: MachineStore;
  types: InstanceTypeStore;
}

/**
 * Keeps the pools of the instance types filled, so that a spawn finds a machine whose OS is ready: a machine that was given
 * back is installed again where the type says so, and as many wait as the type wants. It looks when the life cycle tells
 * of a change and once a minute; what it does is decided in the database, so that several of them do no more than one.
 */
export class PoolKeeper {
  private unsubscribe = () => {};
  private timer: ClockTimer | undefined;
  private round: Promise<void> = Promise.resolve();
  private isDue = false;
  private stopped = false;

  constructor(
    private readonly stores: Stores,
    private readonly spawning: Spawning,
    private readonly host: { feed: EventFeed; clock: Clock; logger: Logger },
  ) {}

  start(): void {
    this.unsubscribe = this.host.feed.subscribe((event) => {
      if (isTelling(event)) this.look();
    });
    this.look();
    this.lookLater();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.unsubscribe();
    this.timer?.cancel();
    await this.round;
  }

  /** However often it is called meanwhile, one more round follows the one under way. */
  private look(): void {
    if (this.isDue) return;
    this.isDue = true;
    this.round = this.round.then(() => this.keep());
  }

  private lookLater(): void {
    this.timer = this.host.clock.setTimeout(() => {
      this.look();
      this.lookLater();
    }, everyMs);
  }

  private async keep(): Promise<void> {
    this.isDue = false;
    if (this.stopped) return;
    try {
      for (const type of await this.stores.types.withPool()) {
        if (type.afterDestroy === 'reinstall') await this.reinstall(type);
        await this.fill(type);
      }
    } catch (error) {
      this.host.logger.warn({ err: error }, 'the pools could not be looked after; it is tried again');
    }
  }

  private async reinstall(type: InstanceType): Promise<void> {
    let after: string | undefined;
    do {
      const filter = { state: 'inactive', returned: true, instanceType: type.name } as const;
      const page = await this.stores.machines.list({ ...filter, after, limit: pageSize });
      for (const machine of page.items) await this.spawning.intoPool(type, { machineId: machine.id });
      after = page.next ?? undefined;
    } while (after !== undefined && !this.stopped);
  }

  private async fill(type: InstanceType): Promise<void> {
    while (!this.stopped && type.poolSize > 0)
      if (!(await this.spawning.intoPool(type, { atMost: type.poolSize }))) return;
  }
}

function isTelling({ kind, data }: TimelineEvent): boolean {
  return kind === 'instance-type.changed' || (kind === 'state.changed' && tellingStates.has(data.to));
}
