import { gunzipSync, gzipSync } from 'node:zlib';
import { DomainError } from '#core';

/** More than anybody writes, and little enough that a compressed nothing does no harm. */
const unpackedLimitBytes = 8 << 20;

const isGzip = (bytes: Uint8Array) => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** User data as cloud-init sees it: decompressed where it is gzip. Throws DomainError `user-data-invalid`. */
export function unpacked(bytes: Buffer): Buffer {
  if (!isGzip(bytes)) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: unpackedLimitBytes });
  } catch (cause) {
    const tooLarge = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    const why = tooLarge
      ? `unpacks to more than ${unpackedLimitBytes} bytes`
      : 'is gzip that cannot be unpacked';
    throw new DomainError('user-data-invalid', `it ${why}`, {
      remedy: 'Compress it again, or give it uncompressed: it is compressed here where that helps.',
      cause,
    });
  }
}

/** The smaller of both. gzip leaves the time out, so the same bytes come out every time. */
export function packedIfSmaller(bytes: Buffer): Buffer {
  const packed = gzipSync(bytes, { level: 9 });
  return packed.length < bytes.length ? packed : bytes;
}
