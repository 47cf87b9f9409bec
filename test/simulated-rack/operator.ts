import { DomainError } from '#core';
import type { EventView } from '#contract';
import type { DodaiClient } from '../../apps/cli/src/client.js';
import { valueIn } from './script.js';
import { partition } from './truth.js';
import type { SimulatedRack } from './simulated-rack.js';

const pauseMs = 500;

/** What a person who is to come to a simulated machine is told, and nothing more: where the script is that speaks for it. */
export const instructions = '{{ notifyScriptUrl }}';

/** What the event `operator.called` has. */
interface Call {
  instructions: string;
  instance: { id: string; hostName: string };
  machine: { name: string };
}

/**
 * The person who is called to the machines of a rack: puts a disk with an OS into the machine, which speaks as the script in the call
 * does, and says through the API that it is done; again, when the controller was not there.
 */
export class Operator {
  private readonly leaving = new AbortController();
  private readonly duty: Promise<void>;

  constructor(
    private readonly client: DodaiClient,
    private readonly rack: SimulatedRack,
  ) {
    this.duty = this.onDuty();
    this.duty.catch(() => undefined); // whoever sends them home hears of it
  }

  /** Goes home, whatever is under way. Throws what went wrong. */
  async leave(): Promise<void> {
    this.leaving.abort(new Error('the operator has left'));
    await this.duty;
  }

  private async onDuty(): Promise<void> {
    const { signal } = this.leaving;
    const works: Promise<void>[] = [];
    for await (const event of this.client.followEvents({ kind: 'operator.called', after: '0', signal }))
      works.push(this.answer(event));
    await Promise.all(works);
  }

  private async answer({ data }: EventView): Promise<void> {
    const { instance, machine, instructions: scriptUrl } = data as unknown as Call;
    const { truth } = this.rack.slot(machine.name).machine;
    const script = await this.insist(() => scriptAt(scriptUrl));
    if (script === undefined) return;
    const speaker = {
      notifyUrl: `${valueIn(script, 'INSTANCE_URL')}/notify`,
      token: valueIn(script, 'TOKEN'),
    };
    const owner = { instanceId: instance.id, hostName: instance.hostName, sshKeys: [], userData: '' };
    const state = { userDataRuns: 0, reported: false, pooled: false };
    partition(truth, instance.id)({ ...speaker, ...owner, ...state, imageId: '' });
    await this.insist(() => this.client.askInstance(instance.id, 'manual_done'));
  }

  /** Until it is answered. Undefined: it was refused, for somebody has decided otherwise meanwhile. */
  private async insist<T>(attempt: () => Promise<T>): Promise<T | undefined> {
    const { signal } = this.leaving;
    while (!signal.aborted) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
        if (!error.retryable) return undefined;
      }
      await this.rack.world.clock.sleep(pauseMs, signal).catch(() => undefined);
    }
    return undefined;
  }
}

async function scriptAt(url: string): Promise<string> {
  const response = await fetch(url).catch((cause: unknown) => {
    throw new DomainError('controller-unreachable', `Nobody is at ${url}.`, { cause });
  });
  if (response.ok) return response.text();
  const code = response.status < 500 ? 'not-found' : 'database-unavailable';
  throw new DomainError(code, `${url} is answered with ${response.status}.`);
}
