import type { TftpClient } from './udp-port.js';

interface OfRequest {
  client: TftpClient;
  /** As the client wrote it, less a / in front; empty when the request could not be read. */
  path: string;
}

/** One `refused`, or one `started` and then one of `completed`, `aborted`, `failed`, for every request. */
export type TftpEvent =
  | (OfRequest & { kind: 'refused'; reason: string })
  | (OfRequest & { kind: 'started'; sizeBytes: number; blockSize: number; windowSize: number })
  | (OfRequest & { kind: 'completed'; sizeBytes: number; durationMs: number; retransmissions: number })
  /** The client itself broke off, as boot ROMs do that only ask for a size. */
  | (OfRequest & { kind: 'aborted'; reason: string; durationMs: number })
  | (OfRequest & { kind: 'failed'; reason: string; durationMs: number });
