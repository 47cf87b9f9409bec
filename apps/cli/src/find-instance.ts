import { hostName, idOrName, type InstanceView, uuid, uuidPrefix } from '#contract';
import { DomainError } from '#core';
import type { DodaiClient } from './client.js';
import { collect } from './collect.js';

/** Enough to tell which are meant. */
const mostFound = 10;

/**
 * The API knows instances by id; people also know them by host name, by the name of the machine, and by the first
 * digits of the id. The controller looks them up.
 */
export async function findInstanceId(client: DodaiClient, given: string): Promise<string> {
  if (uuid.safeParse(given).success) return given;
  const found =
    (await byHostName(client, given)) ?? (await onMachine(client, given)) ?? (await byPrefix(client, given));
  if (found !== undefined) return found;
  throw new DomainError('instance-not-found', `There is no instance ${given}.`, {
    remedy: 'Name it by id, by the first digits of its id, or by host name: dodai instances list --all',
  });
}

async function byHostName(client: DodaiClient, given: string): Promise<string | undefined> {
  if (!hostName.safeParse(given).success) return undefined;
  return only(client.listInstances({ hostName: given, deleted: false, limit: mostFound }), given);
}

async function onMachine(client: DodaiClient, name: string): Promise<string | undefined> {
  if (!idOrName.safeParse(name).success) return undefined;
  try {
    return (await client.machine(name)).instanceId ?? undefined;
  } catch (error) {
    if (error instanceof DomainError && error.code === 'machine-not-found') return undefined;
    throw error;
  }
}

async function byPrefix(client: DodaiClient, given: string): Promise<string | undefined> {
  if (!uuidPrefix.safeParse(given).success) return undefined;
  return only(client.listInstances({ idPrefix: given, limit: mostFound }), given);
}

async function only(instances: AsyncIterable<InstanceView>, given: string): Promise<string | undefined> {
  const found = await collect(instances);
  if (found.length < 2) return found[0]?.id;
  const count = found.length === mostFound ? `${mostFound} instances or more` : `${found.length} instances`;
  throw new DomainError('invalid-request', `${given} may be any of ${count}.`, {
    remedy: `Name one by its id: ${found.map(({ id }) => id).join(', ')}`,
  });
}
