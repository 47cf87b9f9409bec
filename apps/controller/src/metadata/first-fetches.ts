import { LRUCache } from 'lru-cache';
import type { Occupant } from '#store';
import type { BootLog } from '../boot/boot-log.js';

/** More than there are instances at work at a time, each with a few kinds of documents. */
const remembered = 20_000;

const kinds: readonly [RegExp, string][] = [
  [/vendor[-_]data/, 'vendor data'],
  [/user[-_]data/, 'user data'],
  [/network/, 'network data'],
  [/meta[-_]data/, 'meta data'],
  [/password$/, 'password'],
  [/content/, 'files'],
];

/** The style of a request, as its path says it. */
export function styleOf(path: string, namespace: string): string {
  const [, first = ''] = path.split('/');
  if (first === 'openstack') return 'OpenStack';
  if (first === 'nocloud') return 'NoCloud';
  return first === namespace ? namespace : 'EC2';
}

/**
 * Puts on the timeline that an instance asked who it is: once for each kind of document, style and stage of the machine's life, not
 * each of the hundred requests that cloud-init makes.
 */
export class FirstFetches {
  private readonly told = new LRUCache<string, true>({ max: remembered });

  constructor(
    private readonly bootLog: BootLog,
    private readonly namespace: string,
  ) {}

  record({ occupant, path, client }: { occupant: Occupant; path: string; client: string }): void {
    const style = styleOf(path, this.namespace);
    const document = kinds.find(([pattern]) => pattern.test(path))?.[1] ?? 'list of versions';
    const key = [occupant.instanceId, occupant.since.toISOString(), style, document].join(' ');
    if (this.told.has(key)) return;
    this.told.set(key, true);
    const whose = { id: occupant.machineId, instanceId: occupant.instanceId };
    this.bootLog.record(Promise.resolve(whose), {
      kind: 'metadata.fetched',
      message: `asked the metadata service for its ${document} (${style})`,
      data: { style, document, path, client },
    });
  }
}
