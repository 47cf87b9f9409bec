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

/** Which machine is talking: by the address it was given, in the inventory or by our own DHCP server. */
@Injectable()
export class MachineResolver {
  private readonly leasedTo = new Map<string, string>();

  constructor(
    private readonly machines: MachineStore,
    private readonly instances: InstanceStore,
  ) {}

  /** Our DHCP server gave the address to the card with this MAC. */
  rememberLease(address: string, mac: string): void {
    this.leasedTo.set(address, mac);
  }

  async byAddress(address: string): Promise<Machine | null> {
    const mac = this.leasedTo.get(address);
    return (mac !== undefined && (await this.machines.byMac(mac))) || this.machines.byPxeIp(address);
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
