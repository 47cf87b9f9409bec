import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { Secret } from '#platform';
import type { Database } from './database.js';
import { GroupedQueries } from './grouped-queries.js';
import { isNobodys } from './unavailable.js';

const digest = (token: string) => createHash('sha256').update(token).digest('hex');

/** API tokens. Only their digests are kept: 256 random bits need no slow hash. */
export class TokenStore {
  /** Every request asks, and a crowd of them with few tokens. */
  private readonly lookups: GroupedQueries<string, { name: string } | null>;

  constructor(private readonly database: Database) {
    this.lookups = new GroupedQueries((hashes) => this.find(hashes), { isForAll: isNobodys });
  }

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
    return this.lookups.add(digest(token));
  }

  private async find(hashes: readonly string[]): Promise<({ name: string } | null)[]> {
    const found = await this.database.client.$queryRaw<{ hash: string; name: string }[]>`
      SELECT hash, name FROM api_tokens WHERE hash = ANY(${hashes})`;
    const names = new Map(found.map(({ hash, name }) => [hash, { name }]));
    return hashes.map((hash) => names.get(hash) ?? null);
  }
}
