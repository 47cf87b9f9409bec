/** A path as a client may ask for it: relative, plain components, printable. Anything else is refused before a handler sees it. */

export type RequestedPath = { kind: 'path'; path: string } | { kind: 'refused'; reason: string };

const MAX_PATH_BYTES = 255;

export function checkRequestedPath(path: string): RequestedPath {
  if (path === '') return refused('the path is empty');
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return refused(`the path is over ${MAX_PATH_BYTES} bytes`);
  // U+FFFD is what the decoder leaves of bytes that are not UTF-8.
  if (/[\p{Cc}\p{Cf}\uFFFD]/u.test(path)) return refused('the path has unprintable characters');
  if (path.includes('\\')) return refused('the path has a backslash: separate with /');
  if (path.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    return refused('the path has an empty, . or .. component');
  }
  return { kind: 'path', path };
}

/** The files of a TFTP server have one root, which UEFI loaders write down and PXE firmware does not. */
export function withoutRoot(path: string): string {
  return path.replace(/^\/+/, '');
}

function refused(reason: string): RequestedPath {
  return { kind: 'refused', reason };
}
