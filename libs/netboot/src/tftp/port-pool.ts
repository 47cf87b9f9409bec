import { DomainError } from '#core';
import { UdpPort, type UdpPortOptions } from './udp-port.js';

export interface PortRange {
  first: number;
  last: number;
}

/** More idle sockets than this are closed again; a burst of machines keeps that many warm for the next one. */
const MAX_IDLE_PORTS = 32;

/**
 * The ports that transfers go through. A finished transfer's port is kept for the next one, since opening a socket costs more
 * than a small file. Without a range every running transfer has a port of its own; with one, transfers share ports once all
 * of the range are in use.
 */
export class PortPool {
  private readonly open = new Set<UdpPort>();
  private readonly idle: UdpPort[] = [];
  private readonly rangeLeft: number[];
  private readonly opening = new Set<Promise<UdpPort>>();
  private closed = false;

  constructor(
    private readonly options: Omit<UdpPortOptions, 'port'>,
    private readonly range: PortRange | null,
  ) {
    this.rangeLeft = range === null ? [] : numbers(range);
  }

  /** An idle port at once when there is one, so that a small file costs no turn of the event loop. */
  take(): UdpPort | Promise<UdpPort> {
    return this.idle.pop() ?? (this.range === null ? this.openPort(0) : this.takeFromRange());
  }

  release(port: UdpPort): void {
    if (port.transfers.size > 0 || this.closed) return;
    if (this.range === null && this.idle.length >= MAX_IDLE_PORTS) {
      this.open.delete(port);
      void port.close();
    } else if (!this.idle.includes(port)) {
      this.idle.push(port);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.allSettled(this.opening);
    await Promise.all([...this.open].map((port) => port.close()));
    this.open.clear();
  }

  private async takeFromRange(): Promise<UdpPort> {
    for (let number = this.rangeLeft.shift(); number !== undefined; number = this.rangeLeft.shift()) {
      try {
        return await this.openPort(number);
      } catch (error) {
        // A port that another program holds is left to it.
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      }
    }
    return this.leastBusy();
  }

  private async leastBusy(): Promise<UdpPort> {
    await Promise.allSettled(this.opening);
    const [first, ...others] = this.open;
    if (first === undefined) {
      throw new DomainError('port-not-bound', 'Every port of the TFTP range is in use by another program.', {
        remedy: 'Widen the range, or stop what uses it.',
      });
    }
    return others.reduce((best, port) => (port.transfers.size < best.transfers.size ? port : best), first);
  }

  private async openPort(port: number): Promise<UdpPort> {
    const opening = UdpPort.open({ ...this.options, port });
    this.opening.add(opening);
    try {
      const opened = await opening;
      this.open.add(opened);
      return opened;
    } finally {
      this.opening.delete(opening);
    }
  }
}

function numbers({ first, last }: PortRange): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
