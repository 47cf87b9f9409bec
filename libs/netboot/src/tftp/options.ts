/** Option negotiation: blksize (RFC 2348), timeout and tsize (RFC 2349), windowsize (RFC 7440). */

export interface OptionLimits {
  maxBlockSize: number;
  maxWindowSize: number;
}

interface TransferParameters {
  blockSize: number;
  windowSize: number;
  /** What the client asked for, or null when it left the pace to the server. */
  timeoutMs: number | null;
}

export interface Negotiation {
  parameters: TransferParameters;
  /** What the OACK says; empty when nothing was accepted, and then no OACK is sent. */
  accepted: Map<string, string>;
}

const RFC1350_BLOCK_SIZE = 512;
const RANGES = {
  blksize: { min: 8, max: 65_464 },
  timeout: { min: 1, max: 255 },
  windowsize: { min: 1, max: 65_535 },
} as const;

/** Options that are unknown or out of their range are left out of the answer, as RFC 2347 asks; the transfer goes on without them. */
export function negotiate(
  requested: ReadonlyMap<string, string>,
  sizeBytes: number,
  limits: OptionLimits,
): Negotiation {
  const accepted = new Map<string, string>();
  const accept = (name: string, value: number): number => {
    accepted.set(name, String(value));
    return value;
  };
  const blockSize = inRange('blksize', requested);
  const windowSize = inRange('windowsize', requested);
  const timeoutSeconds = inRange('timeout', requested);
  const parameters: TransferParameters = {
    blockSize:
      blockSize === null ? RFC1350_BLOCK_SIZE : accept('blksize', Math.min(blockSize, limits.maxBlockSize)),
    windowSize: windowSize === null ? 1 : accept('windowsize', Math.min(windowSize, limits.maxWindowSize)),
    timeoutMs: timeoutSeconds === null ? null : accept('timeout', timeoutSeconds) * 1000,
  };
  // curl takes a size of 0 for a malformed answer; the empty block that follows says the same.
  if (requested.has('tsize') && sizeBytes > 0) accept('tsize', sizeBytes);
  return { parameters, accepted };
}

function inRange(name: keyof typeof RANGES, requested: ReadonlyMap<string, string>): number | null {
  const text = requested.get(name);
  if (text === undefined || !/^\d{1,9}$/.test(text)) return null;
  const value = Number(text);
  return value >= RANGES[name].min && value <= RANGES[name].max ? value : null;
}
