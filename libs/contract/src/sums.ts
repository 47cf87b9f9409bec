/** Digests of one file, in lower-case hexadecimal. */
export interface Digests {
  sha256?: string;
  sha512?: string;
}

/** Either the digests, or what is wrong with the list, as a sentence goes on after its name. */
export type SumsReading = { digests: Digests } | { fault: string };

interface Entry {
  name: string;
  /** undefined: of no use here, such as MD5. */
  algorithm: keyof Digests | undefined;
  hex: string;
}

/** coreutils, sha256sum: `DIGEST  NAME`, `DIGEST *NAME`; a backslash first says that the name has escapes. */
const gnu = /^(?<escaped>\\?)(?<hex>[0-9a-f]+) [ *](?<name>.+)$/i;
/** BSD's sha256, and coreutils' with --tag: `SHA256 (NAME) = DIGEST`. */
const bsd = /^(?<escaped>\\?)(?<word>[A-Z][A-Z0-9/-]*) \((?<name>.+)\) = (?<hex>[0-9a-f]+)$/i;

/** Digits of a digest, when only they tell the algorithm: MD5, SHA-1, SHA-224 and SHA-384 beside the two of use. */
const byDigits: Readonly<Record<number, keyof Digests | undefined>> = {
  32: undefined,
  40: undefined,
  56: undefined,
  64: 'sha256',
  96: undefined,
  128: 'sha512',
};
const byWord: Readonly<Record<string, keyof Digests>> = { SHA256: 'sha256', SHA512: 'sha512' };

/** RFC 9580, 7: a text with its signature around it. */
export const isSignedInItself = (text: string) =>
  text.trimStart().startsWith('-----BEGIN PGP SIGNED MESSAGE-----');

/**
 * Finds a file in the text of a SHA256SUMS or SHA512SUMS file. Lines that are empty or begin with # are passed over;
 * any other that is not understood makes the whole list one that is not trusted.
 */
export function readSums(text: string, fileName: string): SumsReading {
  const entries: Entry[] = [];
  for (const [index, line] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const entry = readGnu(line) ?? readBsd(line);
    if (!entry) return { fault: malformed(line, index + 1) };
    entries.push(entry);
  }
  return choose(entries, plain(fileName));
}

function readGnu(line: string): Entry | undefined {
  const { escaped = '', hex, name } = gnu.exec(line)?.groups ?? {};
  if (hex === undefined || name === undefined || !(hex.length in byDigits)) return undefined;
  return { name: nameOf(name, escaped), algorithm: byDigits[hex.length], hex: hex.toLowerCase() };
}

function readBsd(line: string): Entry | undefined {
  const { escaped = '', word, hex, name } = bsd.exec(line)?.groups ?? {};
  if (word === undefined || hex === undefined || name === undefined) return undefined;
  const algorithm = byWord[word.toUpperCase()];
  if (algorithm !== undefined && byDigits[hex.length] !== algorithm) return undefined; // it was cut short
  return { name: nameOf(name, escaped), algorithm, hex: hex.toLowerCase() };
}

const escapes: Readonly<Record<string, string>> = { '\\\\': '\\', '\\n': '\n', '\\r': '\r' };

function nameOf(written: string, escaped: string): string {
  return plain(escaped ? written.replace(/\\[\\nr]/g, (pair) => escapes[pair] ?? pair) : written);
}

/** `./name` is what `find` gives, and the same file. */
const plain = (name: string) => name.replace(/^(\.\/)+/, '');

function choose(entries: readonly Entry[], fileName: string): SumsReading {
  const own = entries.filter(({ name }) => name === fileName);
  if (own.length === 0) return { fault: missing(entries, fileName) };
  const digests: Digests = {};
  for (const { algorithm, hex } of own) {
    if (algorithm === undefined) continue;
    if (digests[algorithm] !== undefined && digests[algorithm] !== hex)
      return { fault: `has two different digests for ${fileName}: ${digests[algorithm]} and ${hex}` };
    digests[algorithm] = hex;
  }
  if (Object.keys(digests).length > 0) return { digests };
  return { fault: `has neither a SHA-256 nor a SHA-512 for ${fileName}` };
}

const mostNames = 5;

function missing(entries: readonly Entry[], fileName: string): string {
  if (entries.length === 0) return 'has no line with a digest';
  const names = [...new Set(entries.map(({ name }) => name))];
  const shown = names.slice(0, mostNames).join(', ');
  const more = names.length > mostNames ? ` and ${names.length - mostNames} more` : '';
  return `has no line for ${fileName}, only for ${shown}${more}`;
}

function malformed(line: string, number: number): string {
  if (line.startsWith('-----BEGIN PGP'))
    return 'is signed in itself: give the keys that it may be signed with (sumsKeyring, --signed-by) too';
  const said = line.length > 60 ? `${line.slice(0, 60)}…` : line;
  return `is malformed in line ${number}, "${said}": neither "DIGEST  NAME" nor "SHA256 (NAME) = DIGEST"`;
}
