import { accessSync, constants, readFileSync } from 'node:fs';
import { DomainError } from '#core';
import type { TransportOptions } from './http-transport.js';
import { unreadableFile } from './input-files.js';

export interface ConnectionOptions {
  url?: string;
  token?: string;
  tokenFile?: string;
}

export const defaultUrl = 'http://127.0.0.1:7071';
/** Where a controller with the default data directory leaves its first token. */
export const defaultTokenFile = '/var/lib/dodai/api-token';

/** Options win over the environment, and a token over a file that names one. */
export function connectionOf(
  { url, token, tokenFile }: ConnectionOptions,
  env: Record<string, string | undefined>,
  fallbackTokenFile = defaultTokenFile,
): TransportOptions {
  const fromFile = (file: string | undefined) => (file ? readToken(file) : undefined);
  return {
    url: checkedUrl(url || env.DODAI_URL || defaultUrl),
    token:
      token ||
      fromFile(tokenFile) ||
      env.DODAI_TOKEN ||
      fromFile(env.DODAI_TOKEN_FILE) ||
      fromFile(isReadable(fallbackTokenFile) ? fallbackTokenFile : undefined),
  };
}

function checkedUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new DomainError('invalid-request', `--url ${text} is not the address of a controller.`, {
    remedy: `Write it with its scheme, such as ${defaultUrl}.`,
  });
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw unreadableFile(file, error);
  }
}
