import { type SimulatedRack, simulatedType } from '../simulated-rack/index.js';
import { Samples } from './lifecycle-figures.js';
import { crowd } from './lifecycle-selection.js';
import type { Site } from './lifecycle-site.js';

export interface HandOverFigures {
  /** From the beginning of the request to spawn until its owner's machine is `used`; one after the other. */
  aloneMs: Samples;
  /** So many at once. */
  crowdMs: Samples;
}

const mostHandOvers = 100;

/**
 * Spawns into a cluster while machines with the same image wait in the pool, each of them asking for its owner: until the OS
 * inside has its owner's script, has run it, which takes no time here, has said `installed`, and the machine is `used`.
 */
export async function measureHandOvers(site: Site, rack: SimulatedRack): Promise<HandOverFigures> {
  const waiting = rack.machines.filter(({ moment }) => moment === 'owner').length;
  const count = Math.min(mostHandOvers, Math.floor(waiting / 2));
  const arrivals = new Arrivals();
  const following = arrivals.follow(site);
  const aloneMs = await handOver(site, arrivals, count, 1);
  const crowdMs = await handOver(site, arrivals, count, crowd);
  await following.stop();
  const handedOver = rack.machines.filter(({ truth }) => truth.handOvers.length > 0).length;
  if (handedOver !== 2 * count) throw new Error(`${handedOver} of ${2 * count} machines were handed over`);
  return { aloneMs, crowdMs };
}

async function handOver({ client, image }: Site, arrivals: Arrivals, count: number, atOnce: number) {
  const samples = new Samples();
  let left = count;
  const owner = async () => {
    while (left-- > 0) {
      const startedMs = performance.now();
      const { name: instanceType } = simulatedType;
      const { id } = await client.spawn({
        hostName: 'owner',
        image: image.id,
        instanceType,
        cluster: 'bench',
      });
      samples.add((await arrivals.of(id)) - startedMs);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, owner));
  return samples;
}

/** When which instance came into use. */
class Arrivals {
  private readonly atMs = new Map<string, number>();
  private readonly awaited = new Map<string, (atMs: number) => void>();

  /** The event may come before the answer to the request that it follows from. */
  of(instanceId: string): Promise<number> {
    const atMs = this.atMs.get(instanceId);
    return atMs === undefined
      ? new Promise((resolve) => this.awaited.set(instanceId, resolve))
      : Promise.resolve(atMs);
  }

  follow({ client }: Site): { stop(): Promise<void> } {
    const abort = new AbortController();
    const following = (async () => {
      for await (const { data, instanceId } of client.followEvents({ signal: abort.signal })) {
        if (data.to !== 'used' || instanceId === null) continue;
        this.atMs.set(instanceId, performance.now());
        this.awaited.get(instanceId)?.(performance.now());
      }
    })();
    return {
      stop: async () => {
        abort.abort();
        await following;
      },
    };
  }
}
