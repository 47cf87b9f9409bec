import { LRUCache } from 'lru-cache';
import { uuid } from '#contract';
import type { Logger } from '#platform';
import type { Occupant, Occupants } from '#store';
import type { Claim } from './claims.js';

/** Finds out which card is at an address: the kernel's neighbours, or leases. */
export interface MacSource {
  macAt(address: string): Promise<string | null>;
}

/** Addresses that were logged once, and are not again. */
const remembered = 1000;

/** Which instance is asking. Nothing is remembered: whoever has an address now is asked for now. */
export class Callers {
  private readonly told = new LRUCache<string, true>({ max: remembered });

  constructor(
    private readonly occupants: Pick<Occupants, 'at' | 'withMac' | 'byInstance'>,
    private readonly macs: readonly MacSource[],
    private readonly log: Logger,
  ) {}

  /** undefined: a stranger, or an address that is not one instance's alone. */
  async find(claim: Exclude<Claim, { kind: 'forged' }>): Promise<Occupant | undefined> {
    if (claim.kind === 'unknown') return undefined;
    if (claim.kind === 'address') return this.at(claim.address);
    return uuid.safeParse(claim.instanceId).success ? this.occupants.byInstance(claim.instanceId) : undefined;
  }

  private async at(address: string): Promise<Occupant | undefined> {
    const found = await this.occupants.at(address);
    const [only, ...others] = found;
    if (only && others.length === 0) return only;
    const byCard = await this.byCard(address);
    const isAmong = found.some(({ instanceId }) => instanceId === byCard?.instanceId);
    if (byCard && (found.length === 0 || isAmong)) return byCard;
    this.tell(address, found);
    return undefined;
  }

  private async byCard(address: string): Promise<Occupant | undefined> {
    for (const source of this.macs) {
      const mac = await source.macAt(address);
      if (mac === null) continue;
      const [only, ...others] = await this.occupants.withMac(mac);
      return others.length === 0 ? only : undefined;
    }
    return undefined;
  }

  /** Once for each address: whoever asks in vain asks often. */
  private tell(address: string, found: readonly Occupant[]): void {
    const instances = found.map(({ instanceId }) => instanceId);
    const key = [address, ...instances].join(' ');
    if (this.told.has(key)) return;
    this.told.set(key, true);
    if (instances.length === 0) this.log.info({ address }, 'a stranger asks the metadata service');
    else this.log.warn({ address, instances }, 'the metadata service cannot tell which instance is asking');
  }
}
