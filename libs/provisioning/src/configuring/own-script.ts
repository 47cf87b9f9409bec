import type { InstanceConfiguration, UserDataWithItems } from '#core';

const textOf = (base64: string) => Buffer.from(base64, 'base64').toString();

/** Whether an OS can run it by itself. */
export function isOwnScript(userData: UserDataWithItems): boolean {
  return userData.kind === 'own' && textOf(userData.base64).startsWith('#!');
}

/** User data that an OS can run by itself; null: there is none, or it takes cloud-init. */
export function ownScript({ userData }: InstanceConfiguration): string | null {
  return userData?.kind === 'own' && isOwnScript(userData) ? textOf(userData.base64) : null;
}
