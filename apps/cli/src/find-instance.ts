import type { InstanceView } from '#contract';
import { DomainError } from '#core';
import type { DodaiClient } from './client.js';
import { collect } from './collect.js';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const shortestPrefix = 4;

/** The API knows instances by id; people also know them by host name and by the first digits of the id. */
export async function findInstanceId(client: DodaiClient, given: string): Promise<string> {
  if (uuid.test(given)) return given;
  const instances = await collect(client.listInstances());
  const standing = instances.filter(({ state }) => state !== 'deleted');
  const found =
    only(standing, (instance) => instance.hostName === given, given) ??
    only(standing, (instance) => instance.machine?.name === given, given) ??
    only(instances, ({ id }) => given.length >= shortestPrefix && id.startsWith(given.toLowerCase()), given);
  if (found) return found.id;
  throw new DomainError('instance-not-found', `There is no instance ${given}.`, {
    remedy: 'Name it by id, by the first digits of its id, or by host name: dodai instances list --all',
  });
}

function only(
  instances: InstanceView[],
  matches: (instance: InstanceView) => boolean,
  given: string,
): InstanceView | undefined {
  const found = instances.filter(matches);
  if (found.length < 2) return found[0];
  throw new DomainError('invalid-request', `${given} may be any of ${found.length} instances.`, {
    remedy: `Name one by its id: ${found.map(({ id }) => id).join(', ')}`,
  });
}
