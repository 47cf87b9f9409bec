import { DomainError, type UserData, type UserDataPart } from '#core';
import type { DescribedInstance } from '../described-instance.js';
import { filledParts, userDataContext } from './filled-parts.js';
import { firstLines, kindOfText, isReadAsMail } from './kinds.js';
import { multipart } from './mime-writing.js';
import { packedIfSmaller } from './unpacked.js';

/** As sent, that is, compressed where that helps. */
export const userDataLimitBytes = 64 << 10;

/**
 * The user data of an instance, as every data source of cloud-init takes it: the owner's own bytes untouched, or the parts put
 * together. null: there is none. Throws DomainError `user-data-invalid` or `user-data-too-large`.
 */
export async function assembledUserData(instance: DescribedInstance): Promise<Buffer | null> {
  const { userData } = instance.configuration;
  if (userData === null) return null;
  return withinLimit(await bytesOf(userData, instance));
}

async function bytesOf(userData: UserData, instance: DescribedInstance): Promise<Buffer> {
  if (userData.kind === 'own') return Buffer.from(userData.base64, 'base64');
  return sentParts(filledParts(userData.parts, userDataContext(instance)));
}

/** Parts of user data whose values are filled in, as they are sent. */
export async function sentParts(parts: UserDataPart[]): Promise<Buffer> {
  return packedIfSmaller(await assembledParts(parts));
}

/** One message of all parts; a single one that says by itself what it is goes as it is. */
export async function assembledParts(parts: UserDataPart[]): Promise<Buffer> {
  const [only] = parts;
  const alone = parts.length === 1 && only !== undefined ? standingAlone(only) : null;
  return alone ?? multipart(withOwnNames(parts.map(saidByContent)));
}

function standingAlone(part: UserDataPart): Buffer | null {
  if (part.mergeType !== undefined || firstLines[part.type] === null) return null;
  const content = withFirstLine(part);
  const bytes = Buffer.from(content);
  const isTaken = kindOfText(content) === part.type && !isReadAsMail(bytes);
  return isTaken ? bytes : null;
}

function withFirstLine({ type, content }: UserDataPart): string {
  const line = firstLines[type];
  if (line === null || line === '#!' || kindOfText(content) === type) return content;
  return `${line}\n${content}`;
}

/** Whether addresses are fetched once or at each boot is told to cloud-init by the first line, not by the content type. */
function saidByContent(part: UserDataPart): UserDataPart {
  const byContent = part.type === 'text/x-include-once-url' || part.type === 'text/jinja2';
  return byContent ? { ...part, content: withFirstLine(part) } : part;
}

/** cloud-init writes scripts into one folder: of two of the same name, from two layers of defaults say, one would be lost. */
function withOwnNames(parts: UserDataPart[]): UserDataPart[] {
  const taken = new Set<string>();
  return parts.map((part) => {
    let { fileName } = part;
    for (let next = 2; taken.has(fileName); next += 1) fileName = `${part.fileName}-${next}`;
    taken.add(fileName);
    return { ...part, fileName };
  });
}

function withinLimit(bytes: Buffer): Buffer {
  if (bytes.length <= userDataLimitBytes) return bytes;
  throw new DomainError(
    'user-data-too-large',
    `The user data has ${bytes.length} bytes as it is sent; at most ${userDataLimitBytes} are taken.`,
    {
      context: { field: 'userData', bytes: bytes.length, limitBytes: userDataLimitBytes },
      remedy: 'Let the instance fetch the large parts: #include takes URLs.',
    },
  );
}
