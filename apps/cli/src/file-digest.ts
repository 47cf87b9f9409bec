import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Digests, fileNameOf, type ImageSums, readSums } from '#contract';
import { DomainError } from '#core';
import { readInput, readOpenPgp, unreadableFile } from './input-files.js';

/** What a file is expected to have: a digest, or a list of digests that names it. */
export interface Expected extends Digests {
  /** The list's own file. */
  sums?: string;
  /** The file of its signature, when it is not signed in itself. */
  sumsSignature?: string;
  /** The file of the keys that it may be signed with. */
  signedBy?: string;
}

/** Asks the controller what a signed list has for a file. */
export type ReadSigned = (sums: ImageSums) => Promise<Digests>;

/** The digests that were given, or that the list has for a file of this name; else the one that the file has. */
export async function digestsOf(
  file: string,
  expected: Expected,
  { readSigned, signal }: { readSigned: ReadSigned; signal?: AbortSignal },
): Promise<Digests> {
  const given = await digestsFor(basename(file), expected, readSigned);
  return given ?? { sha256: await sha256OfFile(file, signal) };
}

/** The same for what the controller fetches, which must have one. */
export async function digestsOfUrl(
  url: string,
  expected: Expected,
  { readSigned }: { readSigned: ReadSigned },
): Promise<Digests> {
  const given = await digestsFor(fileNameOf(url), expected, readSigned);
  if (given) return given;
  throw new DomainError('invalid-request', 'An image that is fetched needs the digest that it must have.', {
    remedy:
      'Give the one that was published with it: --sha256, --sha512, or --sums with the list that has it.',
  });
}

async function digestsFor(
  fileName: string,
  { sums, sumsSignature, signedBy, sha256, sha512 }: Expected,
  readSigned: ReadSigned,
): Promise<Digests | undefined> {
  if (sums === undefined) {
    if (signedBy !== undefined || sumsSignature !== undefined)
      throw new DomainError('invalid-request', 'A signature is of a list of digests, and none was given.', {
        remedy: 'Give the list that is signed: --sums SHA256SUMS.',
      });
    return sha256 === undefined && sha512 === undefined ? undefined : { sha256, sha512 };
  }
  const text = await readInput(sums);
  if (signedBy !== undefined) {
    const signature = sumsSignature === undefined ? undefined : await readOpenPgp(sumsSignature);
    return await readSigned({
      sums: text,
      fileName,
      sumsSignature: signature,
      sumsKeyring: await readOpenPgp(signedBy),
    });
  }
  if (sumsSignature === undefined) return listed(fileName, sums, text);
  throw new DomainError('invalid-request', 'A signature says nothing without the keys that it may be of.', {
    remedy: 'Give the file of the public keys: --signed-by KEYRING.',
  });
}

function listed(fileName: string, sums: string, text: string): Digests {
  const reading = readSums(text, fileName);
  if ('digests' in reading) return reading.digests;
  throw new DomainError('invalid-request', `--sums: ${sums} ${reading.fault}.`, {
    remedy: 'Take the list that was published with this file, or give its digest with --sha256 or --sha512.',
  });
}

/** SHA-256 in hexadecimal, read piece by piece. */
async function sha256OfFile(file: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash, { signal }).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw unreadableFile(file, error);
  });
  return hash.digest('hex');
}
