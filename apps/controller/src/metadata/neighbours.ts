import { DomainError } from '#core';
import type { ProcessRunner } from '#platform';
import { z } from 'zod';

const timeoutMs = 5000;
/** An entry that is being resolved, or could not be, has no `lladdr`. */
const ipAnswer = z.array(z.object({ dst: z.string(), lladdr: z.string().optional() }));

/** Which MACs each address answers from: several, when two networks have the same address. */
type Table = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * The kernel's neighbour table: with which card a caller in a network of this host answers. It is read anew for every question, for
 * an address may be another machine's by now; questions that come while it is read share the next reading.
 */
export class Neighbours {
  private reading: Promise<unknown> = Promise.resolve();
  private next: Promise<Table> | undefined;

  constructor(private readonly runner: ProcessRunner) {}

  /** The one MAC at this address; null: none is known, or several are. */
  async macAt(address: string): Promise<string | null> {
    const [mac, ...more] = (await this.read()).get(address) ?? [];
    return mac === undefined || more.length > 0 ? null : mac;
  }

  private read(): Promise<Table> {
    this.next ??= this.reading.then(() => {
      this.next = undefined;
      const table = this.table();
      this.reading = table.catch(() => undefined); // told to those who asked
      return table;
    });
    return this.next;
  }

  private async table(): Promise<Table> {
    const { exitCode, stdout, stderr } = await this.runner.run('ip', ['-json', 'neighbour', 'show'], {
      timeoutMs,
    });
    if (exitCode !== 0)
      throw new DomainError('internal', `The neighbours of this host could not be listed: ${stderr.trim()}`);
    return parseNeighbours(stdout);
  }
}

function parseNeighbours(answer: string): Table {
  const macs = new Map<string, Set<string>>();
  for (const { dst, lladdr } of ipAnswer.parse(JSON.parse(answer))) {
    if (lladdr === undefined) continue;
    const known = macs.get(dst) ?? new Set();
    macs.set(dst, known.add(lladdr.toLowerCase()));
  }
  return macs;
}
