import type PQueue from 'p-queue';

export interface QueuedOptions {
  signal?: AbortSignal;
  /** The greater goes first. */
  priority?: number;
}

/** Runs `task` when its turn comes. Who aborts while waiting is out at once; a task that has begun hears of it by the signal itself. */
export function queued<T>(
  queue: PQueue,
  task: () => Promise<T>,
  { signal, priority = 0 }: QueuedOptions,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    signal?.throwIfAborted();
    const abandon = () => reject(signal?.reason);
    signal?.addEventListener('abort', abandon, { once: true });
    const turn = async () => {
      if (signal?.aborted) return;
      signal?.removeEventListener('abort', abandon);
      await task().then(resolve, reject);
    };
    void queue.add(turn, { priority });
  });
}
