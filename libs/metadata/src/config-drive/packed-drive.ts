import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { DomainError } from '#core';
import { maxDriveBytes } from './drive-form.js';

const inflate = promisify(gunzip);
const base64 = /^[A-Za-z0-9+/]+={0,2}$/;
const pack = 'pack the image so: gzip -c config-drive.iso | base64 --wrap=0';

/** A ready-made config drive that is refused; what is wrong with it, and what to do. */
export const refusedDrive = (why: string, remedy: string, cause?: unknown): DomainError =>
  new DomainError('invalid-request', `the config drive ${why}`, {
    remedy,
    context: { field: 'configDrive' },
    ...(cause !== undefined && { cause }),
  });

/**
 * The image in a ready-made config drive, which is given as base64 of the packed file. No more than 64 MiB are ever unpacked.
 * Throws DomainError `invalid-request` when it is something else.
 */
export async function unpackedDrive(given: string): Promise<Buffer> {
  const text = given.replaceAll(/\s+/g, '');
  if (!base64.test(text) || text.length % 4 !== 0) throw refusedDrive('is not base64', pack);
  const packed = Buffer.from(text, 'base64');
  if (packed[0] !== 0x1f || packed[1] !== 0x8b) throw refusedDrive('is not packed with gzip', pack);
  try {
    return await inflate(packed, { maxOutputLength: maxDriveBytes });
  } catch (error) {
    if (codeOf(error) === 'ERR_BUFFER_TOO_LARGE') {
      throw refusedDrive('is larger than the 64 MiB that it may have', 'make a smaller image', error);
    }
    throw refusedDrive(
      `cannot be unpacked (${(error as Error).message})`,
      `${pack}; and send all of it`,
      error,
    );
  }
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;
