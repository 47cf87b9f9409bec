import type { InstanceConfiguration } from '#core';

/** User data that an OS can run by itself; null: there is none, or it takes cloud-init. */
export function ownScript({ userData }: InstanceConfiguration): string | null {
  if (userData?.kind !== 'own') return null;
  const text = Buffer.from(userData.base64, 'base64').toString();
  return text.startsWith('#!') ? text : null;
}
