import { readFile } from 'node:fs/promises';
import { DomainError } from '#core';
import { parse } from 'yaml';

const reasons: Record<string, string> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a directory',
};

export function unreadableFile(file: string, error: unknown): DomainError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return new DomainError('invalid-request', `Cannot read ${file}: ${reasons[code] ?? String(error)}.`, {
    cause: error,
  });
}

export async function readInput(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw unreadableFile(file, error);
  }
}

export async function readBytes(file: string): Promise<Buffer> {
  return readFile(file).catch((error: unknown) => {
    throw unreadableFile(file, error);
  });
}

/** Keys or a signature, as the API takes them: ASCII-armored text as it is, anything else in base64. */
export async function readOpenPgp(file: string): Promise<string> {
  const bytes = await readBytes(file);
  const armored = bytes.indexOf('-----BEGIN PGP ');
  return armored >= 0 ? bytes.toString('latin1', armored) : bytes.toString('base64');
}

/** What a file of JSON says; the controller knows whether it means anything. */
export async function readJson<Value>(file: string): Promise<Value> {
  const text = await readInput(file);
  try {
    return JSON.parse(text) as Value;
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new DomainError('invalid-request', `${file} is not JSON: ${said}.`, { cause: error });
  }
}

/** What a file of YAML says, or of JSON, which is YAML; the controller knows whether it means anything. */
export async function readYaml<Value>(file: string): Promise<Value> {
  const text = await readInput(file);
  try {
    return parse(text) as Value;
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new DomainError('invalid-request', `${file} is not YAML: ${said}`, { cause: error });
  }
}
