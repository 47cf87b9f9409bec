import { DomainError, type Machine } from '#core';
import type { Clock, Logger } from '#platform';
import type { BmcAddress, ConsoleSource } from '#power';
import type { EventStore } from '#store';
import { ConsoleBatch } from './console-batch.js';

export interface WorkConsoleHost {
  source: ConsoleSource;
  events: EventStore;
  clock: Clock;
  logger: Logger;
}

const firstBackoffMs = 1000;
const longestBackoffMs = 60_000;
/** More than any boot says; what repeats itself for ever ends here. */
const mostBytes = 1024 * 1024;
const longestMessage = 500;

/** Puts what the serial console says during one work on the machine's timeline. Nothing that goes wrong here harms the work. */
export class WorkConsole {
  private readonly batch: ConsoleBatch;
  private bytes = 0;
  private isOpen = false;
  private wasTold = false;

  constructor(
    private readonly machine: Machine,
    private readonly host: WorkConsoleHost,
  ) {
    this.batch = new ConsoleBatch(host.clock, (text) =>
      this.tell('console.output', lastLine(text), { text }),
    );
  }

  /**
   * Listens until the signal, opening a session that broke off again. Ends before that when the console is refused for a reason
   * that does not pass, or when it has said too much.
   * @param leftOpen a session of ours that was never closed may still hold the console
   */
  async run(address: () => Promise<BmcAddress>, signal: AbortSignal, leftOpen: boolean): Promise<void> {
    let takeOver = leftOpen;
    let backoffMs = firstBackoffMs;
    for (let goOn = true; goOn && !signal.aborted;) {
      const before = this.bytes;
      goOn = await this.listen(await address(), signal, takeOver);
      takeOver ||= this.isOpen;
      if (!goOn || signal.aborted) break;
      if (this.bytes > before) backoffMs = firstBackoffMs;
      await this.host.clock.sleep(backoffMs, signal).catch(() => undefined); // the loop sees that it is over
      backoffMs = Math.min(backoffMs * 2, longestBackoffMs);
    }
    if (this.isOpen)
      await this.tell('console.closed', `the serial console of ${this.machine.name} is closed`);
  }

  /** One session. false: there is no use in another one. */
  private async listen(bmc: BmcAddress, signal: AbortSignal, takeOver: boolean): Promise<boolean> {
    try {
      const text = await this.host.source.open(bmc, { signal, takeOver });
      this.isOpen = true;
      await this.tell('console.opened', `the serial console of ${this.machine.name} is open`);
      return await this.read(text);
    } catch (error) {
      return signal.aborted ? false : await this.explain(error);
    } finally {
      await this.batch.flush();
    }
  }

  private async read(text: AsyncIterable<string>): Promise<boolean> {
    for await (const piece of text) {
      this.bytes += Buffer.byteLength(piece);
      if (this.bytes > mostBytes) {
        await this.batch.flush();
        await this.tell(
          'console.cut',
          `the serial console said more than ${mostBytes} bytes; the rest is not kept`,
        );
        return false;
      }
      await this.batch.add(piece);
    }
    return true;
  }

  /** Each break is told, what keeps the console from being opened once only. */
  private async explain(error: unknown): Promise<boolean> {
    if (!(error instanceof DomainError)) {
      this.host.logger.error({ err: error, machine: this.machine.name }, 'a console capture failed');
      return false;
    }
    const { code, message, remedy } = error;
    if (code === 'console-lost') await this.tell('console.lost', message, { code });
    else if (!this.wasTold) {
      this.wasTold = true;
      await this.tell('console.unavailable', `the serial console cannot be shown: ${message}`, {
        code,
        remedy,
      });
    }
    return error.retryable;
  }

  private async tell(kind: string, message: string, data: Record<string, unknown> = {}): Promise<void> {
    const { id: machineId, instanceId } = this.machine;
    try {
      await this.host.events.append({ kind, machineId, instanceId, message, data });
    } catch (error) {
      this.host.logger.warn(
        { err: error, machine: this.machine.name, kind },
        'the console could not be recorded',
      );
    }
  }
}

function lastLine(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return (lines.at(-1) ?? 'an empty line').trim().slice(0, longestMessage);
}
