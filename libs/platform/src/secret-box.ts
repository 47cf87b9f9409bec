import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { DomainError } from '#core';
import { Secret } from './secret.js';

const nonceBytes = 12;
const tagBytes = 16;

/** Keeps secrets at rest (AES-256-GCM) and derives tokens, all from one key of 32 bytes. */
export class SecretBox {
  constructor(private readonly key: Buffer) {
    if (key.length !== 32)
      throw new DomainError('configuration-invalid', 'The secret key is not 32 bytes long.');
  }

  /** nonce ‖ tag ‖ ciphertext in base64. */
  seal(secret: Secret): string {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', this.key, nonce);
    const sealed = Buffer.concat([cipher.update(secret.reveal(), 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64');
  }

  /** Throws DomainError `secret-unreadable` when it was sealed with another key. */
  open(sealed: string): Secret {
    const bytes = Buffer.from(sealed, 'base64');
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.key, bytes.subarray(0, nonceBytes));
      decipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
      const text = Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()]);
      return new Secret(text.toString('utf8'));
    } catch (cause) {
      throw new DomainError(
        'secret-unreadable',
        'A stored password cannot be decrypted with the present key.',
        {
          cause,
          remedy:
            'Start the controller with the key it was stored with (DODAI_SECRET_KEY), or set the password anew.',
        },
      );
    }
  }

  /** A token for one purpose and subject: derived, so that it is nowhere stored and can be rendered again. */
  token(purpose: string, subject: string): Secret {
    return new Secret(createHmac('sha256', this.key).update(`${purpose}\0${subject}`).digest('base64url'));
  }

  isToken(purpose: string, subject: string, candidate: string): boolean {
    const expected = Buffer.from(this.token(purpose, subject).reveal());
    const given = Buffer.from(candidate);
    return given.length === expected.length && timingSafeEqual(given, expected);
  }
}
