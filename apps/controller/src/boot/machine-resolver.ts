import { Injectable } from '@nestjs/common';
import { DomainError, type Machine } from '#core';
import { uuid } from '#contract';
import { InstanceStore, MachineStore } from '#store';

/** Whose timeline a fact belongs on. */
export type Concerned = Pick<Machine, 'id' | 'instanceId'>;

/** An IPv4 client of a socket that also speaks IPv6 is written `::ffff:10.0.0.1`. */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/, '');
}

/** Which machine is talking: by the address it was seen with, or has in the inventory. For the timeline only: nobody is believed for it. */
@Injectable()
export class MachineResolver {
  private readonly macAt = new Map<string, string>();
  private readonly addressOf = new Map<string, string>();

  constructor(
    private readonly machines: MachineStore,
    private readonly instances: InstanceStore,
  ) {}

  /** The card with this MAC was given the address, or was heard from there; it has one address at a time. */
  rememberAddress(address: string, mac: string): void {
    const before = this.addressOf.get(mac);
    if (before !== undefined) this.macAt.delete(before);
    this.macAt.set(address, mac);
    this.addressOf.set(mac, address);
  }

  async byAddress(address: string): Promise<Machine | null> {
    const mac = this.macAt.get(address);
    const known = await this.machines.byPxeIp(address);
    return known ?? (mac === undefined ? null : this.machines.byMac(mac));
  }

  byMac(mac: string): Promise<Machine | null> {
    return this.machines.byMac(mac);
  }

  /** The machine that the instance is on, or was: a word of it may come late. */
  async byInstance(instanceId: string): Promise<Concerned | null> {
    if (!uuid.safeParse(instanceId).success) return null;
    const instance = await this.instances.get(instanceId).catch((error: unknown) => {
      if (error instanceof DomainError && error.code === 'instance-not-found') return null;
      throw error;
    });
    return instance?.machineId ? { id: instance.machineId, instanceId } : null;
  }
}
