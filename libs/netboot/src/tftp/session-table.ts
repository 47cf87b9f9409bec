import { TftpErrorCode } from './packets.js';
import type { ReadSession } from './read-session.js';
import { clientKey, type TftpClient } from './udp-port.js';

export interface SessionLimits {
  maxTransfers: number;
  maxTransfersPerClient: number;
}

/** The running sessions, one per client port, and whether there is room for another. */
export class SessionTable {
  private readonly sessions = new Map<string, ReadSession>();
  private readonly perAddress = new Map<string, number>();

  constructor(private readonly limits: SessionLimits) {}

  get(client: TftpClient): ReadSession | undefined {
    return this.sessions.get(clientKey(client));
  }

  all(): ReadSession[] {
    return [...this.sessions.values()];
  }

  refusalOf({ address }: TftpClient): { code: TftpErrorCode; reason: string } | null {
    const { maxTransfers, maxTransfersPerClient } = this.limits;
    if (this.sessions.size >= maxTransfers)
      return full(`all ${maxTransfers} transfers are in use: try again`);
    if ((this.perAddress.get(address) ?? 0) >= maxTransfersPerClient) {
      return full(`${address} already has ${maxTransfersPerClient} transfers: try again`);
    }
    return null;
  }

  add(client: TftpClient, session: ReadSession): void {
    this.sessions.set(clientKey(client), session);
    this.perAddress.set(client.address, (this.perAddress.get(client.address) ?? 0) + 1);
  }

  remove(client: TftpClient): void {
    if (!this.sessions.delete(clientKey(client))) return;
    const left = (this.perAddress.get(client.address) ?? 1) - 1;
    if (left === 0) this.perAddress.delete(client.address);
    else this.perAddress.set(client.address, left);
  }
}

function full(reason: string): { code: TftpErrorCode; reason: string } {
  return { code: TftpErrorCode.undefined, reason };
}
