import { DomainError } from '#core';
import { Secret, type SecretBox } from '#platform';

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

/** iSCSI takes 12 to 16 characters from everybody (RFC 7143, 9.2.1); 16 of these are 96 bits. */
const chapChars = 16;

/** What the controller shows to the machine of this instance, which exports its disk to nobody else (CHAP). */
export function diskSecret(box: SecretBox, instanceId: string): Secret {
  return new Secret(box.token('iscsi', instanceId).reveal().slice(0, chapChars));
}

export function notifyForbidden(): DomainError {
  return new DomainError('notify-forbidden', 'This token does not belong to this instance.', {
    remedy: 'Each instance has a token of its own: it is in the script that the machine was given.',
  });
}
