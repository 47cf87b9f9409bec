import { enrol, SimulatedRack, simulatedType } from '../simulated-rack/index.js';
import { Samples } from './lifecycle-figures.js';
import { type Backend, Site } from './lifecycle-site.js';

export interface SelectionFigures {
  /** One spawn after the other. */
  aloneMs: Samples;
  /** So many at once. */
  crowdMs: Samples;
}

export const crowd = 16;

/**
 * Spawns among 10,000 machines, the whole request over HTTP. The controller plays the role `api` alone, so that nothing is
 * installed meanwhile; which machines are free is written into its database, every other one.
 */
export async function measureSelection(backend: Backend, machines: number): Promise<SelectionFigures> {
  const rack = new SimulatedRack();
  rack.add(machines);
  const site = await Site.raise(rack, backend, { DODAI_ROLES: 'api' });
  try {
    await enrol(site.client, rack.slots);
    await site.sql.query(`UPDATE machines SET state = (CASE right(name, 1)::int % 2
      WHEN 0 THEN 'inactive' ELSE 'used' END)::"MachineState"`);
    await site.sql.query('ANALYZE');
    const spawns = Math.round(machines / 20);
    return {
      aloneMs: await spawnAmong(site, spawns, 1),
      crowdMs: await spawnAmong(site, spawns, crowd),
    };
  } finally {
    await site.stop();
  }
}

async function spawnAmong({ client, image }: Site, spawns: number, atOnce: number): Promise<Samples> {
  const samples = new Samples();
  let left = spawns;
  const spawner = async () => {
    while (left-- > 0) {
      const startedMs = performance.now();
      await client.spawn({ hostName: 'selected', image: image.id, instanceType: simulatedType.name });
      samples.add(performance.now() - startedMs);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, spawner));
  return samples;
}
