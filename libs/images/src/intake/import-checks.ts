import { DomainError } from '#core';
import type { Finding } from '../kinds/kind.js';

/** What came, against what was announced; both in bytes. */
export function checkLength(announced: number | undefined, came: number): void {
  if (announced === undefined || announced === came) return;
  throw new DomainError('upload-incomplete', `${announced} bytes were announced, ${came} came.`, {
    remedy: 'Send the image again; nothing of it was kept.',
  });
}

/** A digest of what came, with what the operator expects; both in hexadecimal. */
interface ComparedDigest {
  called: 'SHA-256' | 'SHA-512';
  /** undefined: nothing in particular. */
  expected: string | undefined;
  found: string;
}

/** `bytes`: how many came. */
export function checkDigest({ called, expected, found }: ComparedDigest, bytes: number): void {
  if (expected === undefined || found === expected) return;
  throw new DomainError(
    'image-checksum-mismatch',
    `The image should have ${called} ${expected}, but what came has ${found}.`,
    {
      remedy: 'Check the digest and send the image again; nothing of it was kept.',
      context: { expected, found, bytes },
    },
  );
}

/** What was unpacked, in bytes, against how long it has to be as it says itself; undefined: it does not say. */
export function checkWhole({ called }: Finding, mustBe: number | undefined, came: number): void {
  if (mustBe === undefined || came >= mustBe) return;
  throw new DomainError(
    'image-invalid',
    `The image is ${called} that takes ${mustBe} bytes, but only ${came} came: it was cut short.`,
    { remedy: 'Make or download it again, whole.' },
  );
}

/** `what` says where the size was seen, for instance `it is a qcow2 disk image of 5 bytes`. */
export function checkSize(what: string, bytes: number, maxBytes: number): void {
  if (bytes <= maxBytes) return;
  const most = `${Number((maxBytes / 1024 ** 3).toFixed(3))} GiB`;
  throw new DomainError(
    'image-too-large',
    `The image is too large: ${what}, and this controller takes ${most} (${maxBytes} bytes) at most.`,
    {
      remedy: 'Make the image smaller, or set DODAI_IMAGE_MAX_GB higher if it is meant to be so large.',
      context: { field: 'body', setting: 'DODAI_IMAGE_MAX_GB', bytes, maxBytes },
    },
  );
}
