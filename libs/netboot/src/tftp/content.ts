import { open } from 'node:fs/promises';

/**
 * What a handler answers with. A window may have to be sent again, so the content is read by offset, not as a stream.
 * The server reads a few hundred KiB ahead of the client and closes the content when the transfer ends, in whatever way.
 */
export interface TftpContent {
  readonly sizeBytes: number;
  /** Exactly `lengthBytes` bytes from `offset`; fewer is an error of the content and fails the transfer. */
  read(offset: number, lengthBytes: number): Buffer | Promise<Buffer>;
  close?(): Promise<void>;
}

export function bufferContent(bytes: Buffer): TftpContent {
  return {
    sizeBytes: bytes.length,
    read: (offset, lengthBytes) => bytes.subarray(offset, offset + lengthBytes),
  };
}

/** Null when there is no such regular file; other failures of the file system are thrown as they are. */
export async function fileContent(path: string): Promise<TftpContent | null> {
  const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw error;
  });
  if (handle === null) return null;
  const stat = await handle.stat();
  if (!stat.isFile()) {
    await handle.close();
    return null;
  }
  return {
    sizeBytes: stat.size,
    read: async (offset, lengthBytes) => {
      const buffer = Buffer.allocUnsafe(lengthBytes);
      const { bytesRead } = await handle.read(buffer, 0, lengthBytes, offset);
      return buffer.subarray(0, bytesRead);
    },
    close: () => handle.close(),
  };
}

/** Netascii (RFC 764 by way of RFC 1350): a line ends in CR LF, a lone CR is CR NUL. */
export function toNetascii(text: Buffer): Buffer {
  const CR = 13;
  const LF = 10;
  const out = Buffer.allocUnsafe(text.length * 2);
  let length = 0;
  for (let i = 0; i < text.length; i += 1) {
    const byte = text[i] as number;
    if (byte === LF) out[length++] = CR;
    out[length++] = byte;
    if (byte === CR) out[length++] = 0;
  }
  return out.subarray(0, length);
}
