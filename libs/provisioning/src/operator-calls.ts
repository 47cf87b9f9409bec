import { type Machine, type TimelineEvent } from '#core';
import type { Clock, Logger } from '#platform';
import type { EventStore, LifecycleWriter } from '#store';
import type { Installation, OperatorCall } from './methods/install-method.js';
import type { Webhook } from './webhook.js';

/** A call of a person has few events: that they were called, that the webhook failed, that it was told. */
const mostEvents = 20;

interface Pauses {
  firstMs: number;
  longestMs: number;
}

interface Host {
  clock: Clock;
  logger: Logger;
  /** undefined: there is nothing at the site that is told. */
  webhook: Webhook | undefined;
  /** Between two deliveries of a call. */
  pauses?: Pauses;
}

/** What the timeline has of a call. */
export interface Told {
  called: TimelineEvent;
  isDelivered: boolean;
  hasFailed: boolean;
}

/**
 * Calls a person to a machine: on its timeline, and at the webhook of the site, which is told again until it has taken it. What was
 * told is on the timeline and nowhere else, so that whoever looks next goes on from there.
 */
export class OperatorCalls {
  private readonly delivering = new Set<string>();

  constructor(
    private readonly events: EventStore,
    private readonly writer: LifecycleWriter,
    private readonly host: Host,
  ) {}

  /** The call of the stage that the machine is in; undefined: nobody was called yet. */
  async told(machine: Machine): Promise<Told | undefined> {
    const { items } = await this.events.list({
      machineId: machine.id,
      kinds: ['operator.'],
      order: 'desc',
      limit: mostEvents,
    });
    const own = items.filter(({ data }) => data.call === idOf(machine));
    const called = own.find(({ kind }) => kind === 'operator.called');
    if (!called) return undefined;
    const results = own.filter(({ kind }) => kind === 'operator.webhook').map(({ data }) => data.delivered);
    return { called, isDelivered: results.includes(true), hasFailed: results.includes(false) };
  }

  /** Throws DomainError `state-changed` when the machine is not where it was seen any more. */
  async call(
    { machine, instance, image }: Installation,
    { instructions, power }: OperatorCall,
  ): Promise<void> {
    const { id, name, bmcHost, pxeMac, pxeIp } = machine;
    await this.writer.tell(machine, {
      kind: 'operator.called',
      message: `A person is called to install ${instance.hostName} on ${name}, which is ${power}`,
      data: {
        call: idOf(machine),
        instructions,
        power,
        image: image.name,
        instance: { id: instance.id, hostName: instance.hostName },
        machine: { id, name, bmcHost, pxeMac, pxeIp },
      },
    });
  }

  /**
   * Has the webhook told, beside the work and never in its way. Answers after how many milliseconds somebody has to look whether it
   * took it; undefined: nothing is left to be told. The pauses are as long as the call is old.
   */
  deliver({ called, isDelivered, hasFailed }: Told, signal: AbortSignal): number | undefined {
    const { webhook, clock, pauses = { firstMs: 5000, longestMs: 600_000 } } = this.host;
    if (!webhook || isDelivered) return undefined;
    const id = String(called.data.call);
    if (!this.delivering.has(id)) {
      this.delivering.add(id);
      this.attempt(webhook, called, { hasFailed, signal })
        .catch((error: unknown) =>
          this.host.logger.warn({ error: String(error) }, 'a webhook is not known to be told'),
        )
        .finally(() => this.delivering.delete(id));
    }
    const ageMs = clock.now().getTime() - called.at.getTime();
    return Math.min(Math.max(ageMs, pauses.firstMs), pauses.longestMs);
  }

  private async attempt(
    webhook: Webhook,
    called: TimelineEvent,
    { hasFailed, signal }: { hasFailed: boolean; signal: AbortSignal },
  ): Promise<void> {
    const { call, ...data } = called.data;
    const message = { type: called.kind, timestamp: called.at.toISOString(), data };
    try {
      await webhook.deliver(String(call), this.host.clock.now(), message, signal);
    } catch (error) {
      if (!signal.aborted && !hasFailed) await this.note(called, false, (error as Error).message);
      return;
    }
    await this.note(called, true, `The webhook at ${webhook.receiver} was told that a person is called`);
  }

  private note({ machineId, instanceId, data }: TimelineEvent, delivered: boolean, message: string) {
    const kind = 'operator.webhook';
    return this.events.append({ kind, machineId, instanceId, message, data: { call: data.call, delivered } });
  }
}

/** One stay in the stage is one call, whoever looks, and however often. */
function idOf({ instanceId, stageSince }: Machine): string {
  return `operator_${instanceId}_${stageSince?.getTime() ?? 0}`;
}
