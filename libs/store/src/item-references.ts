import { DomainError, type ItemReference } from '#core';
import type { Transaction } from './transitions.js';

/** No version: the newest, or all of them. */
export type ItemVersion = ItemReference['item'];

const namedInWords = 10;

/**
 * Throws DomainError `user-data-item-in-use` while defaults name what is to go: this version of it, or, where none is left afterwards,
 * it in any version. Instances have their own copy.
 */
export async function refuseReferred(tx: Transaction, { name, version }: ItemVersion): Promise<void> {
  const left = await tx.userDataItem.count({
    where: { name, ...(version !== null && { NOT: { version } }) },
  });
  const path =
    version === null || left === 0
      ? '$.**.item ? (@.name == $name)'
      : '$.**.item ? (@.name == $name && @.version == $version)';
  const wanted = JSON.stringify({ name, version });
  const places = await tx.$queryRaw<{ scope: string; name: string }[]>`
    SELECT scope::text, name FROM configuration_defaults
    WHERE jsonb_path_exists(document, ${path}::jsonpath, ${wanted}::jsonb)
    ORDER BY scope, name LIMIT ${namedInWords}`;
  if (places.length === 0) return;
  const named = places.map((place) => `the ${place.scope} ${place.name}`).join(', ');
  const what = version === null ? name : `${name}@${version}`;
  throw new DomainError('user-data-item-in-use', `${what} is part of the defaults of ${named}.`, {
    remedy: 'Let those defaults name another part first.',
    context: { places },
  });
}
