import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TokenStore } from '#store';

const tokenName = 'first';

/** Where the first API token is. */
export const firstTokenFile = (dataDir: string) => join(dataDir, 'api-token');

/**
 * Makes the first API token and its file, which only its owner reads. A file with a token that is good stays; one
 * that is lost, or belongs to a database that was given up, is made anew, and the token it had ends.
 */
export async function ensureFirstToken(dataDir: string, tokens: TokenStore): Promise<void> {
  const file = firstTokenFile(dataDir);
  const present = await readFile(file, 'utf8').catch(() => '');
  if (present.trim() !== '' && (await tokens.verify(present.trim()))) return;
  const token = await tokens.create(tokenName);
  await writeFile(`${file}.new`, `${token.reveal()}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
