import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { Secret } from '#platform';
import type { Database } from './database.js';

const digest = (token: string) => createHash('sha256').update(token).digest('hex');

/** API tokens. Only their digests are kept: 256 random bits need no slow hash. */
export class TokenStore {
  constructor(private readonly database: Database) {}

  /** Makes a token, or replaces the one of this name. The answer is the only time it is seen. */
  async create(name: string): Promise<Secret> {
    const token = `dodai_${randomBytes(32).toString('base64url')}`;
    const hash = digest(token);
    await this.database.client.apiToken.upsert({
      where: { name },
      create: { id: randomUUID(), name, hash },
      update: { hash },
    });
    return new Secret(token);
  }

  async verify(token: string): Promise<{ name: string } | null> {
    return this.database.client.apiToken.findUnique({
      where: { hash: digest(token) },
      select: { name: true },
    });
  }
}
