import { DomainError } from '#core';
import type { SecretBox } from '#platform';

/** Purpose of the token that an instance's scripts and OS carry. */
const purpose = 'notify';

/** The token that what runs on the machine of this instance shows. */
export function instanceToken(box: SecretBox, instanceId: string): string {
  return box.token(purpose, instanceId).reveal();
}

/** Throws DomainError `notify-forbidden` unless it is the token of this instance. */
export function checkInstanceToken(box: SecretBox, instanceId: string, token: string): void {
  if (!box.isToken(purpose, instanceId, token)) throw notifyForbidden();
}

export function notifyForbidden(): DomainError {
  return new DomainError('notify-forbidden', 'This token does not belong to this instance.', {
    remedy: 'Each instance has a token of its own: it is in the script that the machine was given.',
  });
}
