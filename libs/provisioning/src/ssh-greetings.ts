import { connect } from 'node:net';
import { DomainError } from '#core';

/** An SSH server says its first line at once; one that is slower is not up. */
const patienceMs = 3000;
/** It may send other lines before that one (RFC 4253, 4.2). */
const longestPreamble = 8192;
const greeting = /^SSH-[^\r\n]*(?=\r?\n)/m;

/** Looks whether an SSH server answers, as a sign that an OS is up. Nobody logs in. */
export class SshGreetings {
  constructor(private readonly port = 22) {}

  /** The first greeting that comes from one of these addresses; undefined: none did. Throws the reason of the signal. */
  async from(
    addresses: readonly string[],
    signal: AbortSignal,
  ): Promise<{ address: string; greeting: string } | undefined> {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
    try {
      return await Promise.any(addresses.map((address) => this.greetingOf(address, patience)));
    } catch {
      signal.throwIfAborted();
      return undefined; // why not, each has reasons of its own: nothing listens yet, mostly
    }
  }

  private async greetingOf(host: string, signal: AbortSignal) {
    let text = '';
    for await (const piece of connect({ host, port: this.port, signal })) {
      text += (piece as Buffer).toString('latin1');
      const [said] = greeting.exec(text) ?? [];
      if (said !== undefined) return { address: host, greeting: printable(said) };
      if (text.length > longestPreamble) break;
    }
    throw new DomainError('not-found', `What listens on port ${this.port} of ${host} is no SSH server.`);
  }
}

const printable = (text: string) => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 255);
