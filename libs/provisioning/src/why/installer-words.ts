import type { LastError } from '#core';

/** Where an installer failed, as templates/snippets/steps.sh words it. */
export interface FailedStep {
  /** The name of the step in words: `stream image`. */
  step: string;
  reason: string;
}

const failedStep = /\bstep \d+\/\d+ ([a-z ]+): ([^]*)$/;

/** Reads `step 6/17 stream image: the download …`; undefined: it is no failure that an installer told with its step. */
export function failedStepOf(error: LastError | null): FailedStep | undefined {
  if (error?.code !== 'installer-failed') return undefined;
  const [, step, reason] = failedStep.exec(error.message) ?? [];
  return step === undefined || reason === undefined ? undefined : { step, reason };
}

/** How templates/snippets/wipe*.sh and secure-erase.sh word why a disk cannot be wiped in the mode that was chosen. */
export const wipeEnds = {
  noSecureErase:
    /has no secure erase|is frozen|did not take the|did not carry out its secure erase|took the secure erase|NVMe sanitize/,
  noDiscard: /cannot discard|(took|refused) the discard/,
} as const;

/** Those of create.sh in which the image comes and is written. */
export const imageSteps: readonly string[] = [
  'fetch chunk list',
  'zero holes',
  'zero disk',
  'stream image',
  'take disk back',
  'read back',
];

/** How templates/snippets/image*.sh word the ends of these steps. */
export const imageEnds = {
  otherDigest: /has SHA-256 \w+, expected \w+|cannot be decompressed/,
  brokenOff: /the download of the (image ended after|list of chunks failed)|bytes long, but \d+ bytes came/,
  notWritten: /writing the image to the disk failed/,
} as const;
