import { DomainError } from '#core';
import type { ImageDownloads } from '#images';
import { maxDriveBytes, type ReadyConfigDrives, unpackedDrive } from '#metadata';
import { fetchBounded } from '../bounded-fetch.js';

export type GivenDrive = { base64: string } | { url: string };

/** gzip makes what cannot be packed longer by 5 bytes in 16 KiB; and base64 needs a third more. */
const longestBytes = Math.ceil((maxDriveBytes * 4) / 3) + 1024 * 1024;

/** Takes config drives that are ready-made, and looks into them before a machine is reserved. */
export class GivenDrives {
  constructor(
    private readonly downloads: ImageDownloads,
    private readonly ready: ReadyConfigDrives,
  ) {}

  /** The file system. Throws DomainError `invalid-request`, `image-url-refused` or `image-download-failed`. */
  async take(given: GivenDrive): Promise<Buffer> {
    const base64 =
      'url' in given
        ? base64Of(await fetchBounded(this.downloads, given.url, { limitBytes: longestBytes, tooLong }))
        : given.base64;
    const { image } = await this.ready.inspected(await unpackedDrive(base64));
    return image;
  }
}

/** What is there may be the packed file itself, or the text that a request would hold. */
function base64Of(bytes: Buffer): string {
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b; // RFC 1952, 2.3.1
  return isPacked ? bytes.toString('base64') : bytes.toString('latin1').trim();
}

function tooLong(): DomainError {
  return new DomainError(
    'invalid-request',
    'configDrive: what is at the URL is longer than any config drive of 64 MiB.',
    {
      remedy: 'Make a smaller image, and pack it with gzip.',
      context: { field: 'configDrive' },
    },
  );
}
