import type { EventView, InstanceView } from '#contract';
import type { Sleep } from '../event-stream.js';
import type { Session } from '../session.js';
import type { Painter } from './painters.js';
import type { Picture } from './stage-bar.js';
import { WorkTimeline } from './work-timeline.js';

const tickMs = 120;
const settledStates: InstanceView['state'][] = ['active', 'stopped', 'error', 'deleted'];
/** What can change the picture; BMC commands and requests for boot files do not. */
const telling = /^(state|stage|notify|wait|operator)\./;

/** What became of it, and how. */
export type Watched = Pick<Picture, 'instance' | 'timeline'>;

/**
 * Shows an instance until its work has ended, well or not, and answers what it is then. The stages come from the
 * timeline, from its beginning; progress and what is awaited from the instance itself, read again at each change.
 */
export async function watchInstance(session: Session, id: string, painter: Painter): Promise<Watched> {
  const { client, io } = session;
  const watched = new WatchedInstance(session, await session.client.instance(id));
  await watched.catchUp();
  painter.changed(watched.picture());
  const over = new AbortController();
  const { ticked } = painter;
  const ticking = ticked && tick(io.sleep, over.signal, () => ticked(watched.picture()));
  const signal = AbortSignal.any([io.signal, over.signal]);
  try {
    if (!watched.isSettled) {
      const onConnection = (state: 'lost' | 'resumed') => watched.connection(state);
      for await (const event of client.followEvents({
        instanceId: id,
        after: watched.lastEventId,
        signal,
        onConnection,
      })) {
        await watched.take(event);
        painter.changed(watched.picture());
        if (watched.isSettled) break;
      }
    }
    io.signal.throwIfAborted();
    await watched.catchUp();
  } finally {
    over.abort();
    await ticking;
    painter.close(watched.picture());
  }
  return { instance: watched.instance, timeline: watched.timeline };
}

async function tick(sleep: Sleep, signal: AbortSignal, work: () => void): Promise<void> {
  while (!signal.aborted) {
    await sleep(tickMs, signal).catch(() => {});
    if (!signal.aborted) work();
  }
}

class WatchedInstance {
  readonly timeline = new WorkTimeline();
  #notice: string | null = null;
  lastEventId = '0';

  constructor(
    private readonly session: Session,
    public instance: InstanceView,
  ) {}

  get isSettled(): boolean {
    return settledStates.includes(this.instance.state);
  }

  /** The timeline up to now, then the instance, so that the instance is never older than its timeline. */
  async catchUp(): Promise<void> {
    const { client } = this.session;
    const { id } = this.instance;
    for await (const event of client.listEvents({ instanceId: id, after: this.lastEventId }))
      this.#apply(event);
    this.instance = await client.instance(id);
  }

  async take(event: EventView): Promise<void> {
    this.#apply(event);
    if (telling.test(event.kind)) this.instance = await this.session.client.instance(this.instance.id);
  }

  connection(state: 'lost' | 'resumed'): void {
    this.#notice = state === 'lost' ? 'The controller does not answer; trying again …' : null;
  }

  picture(): Picture {
    return {
      instance: this.instance,
      timeline: this.timeline,
      now: this.session.io.now(),
      notice: this.#notice,
    };
  }

  #apply(event: EventView): void {
    this.lastEventId = event.id;
    this.timeline.apply(event);
  }
}
