import type { DoctorCheck, ReceivedReport } from '#core';
import type { GuestReportStore, InstanceStore, MachineStore } from '#store';
import { nicsOf } from '../configuring/cards.js';
import { checksOf } from './checks.js';

interface Stores {
  machines: MachineStore;
  instances: InstanceStore;
  reports: GuestReportStore;
}

export interface Diagnosis {
  /** null: the OS has not said anything yet. */
  received: ReceivedReport | null;
  checks: DoctorCheck[];
}

/** Compares what the OS of an instance says of itself with what was asked for. */
export class Doctor {
  constructor(private readonly stores: Stores) {}

  /** Throws DomainError `instance-not-found`. */
  async examine(instanceId: string): Promise<Diagnosis> {
    const instance = await this.stores.instances.get(instanceId);
    const received = await this.stores.reports.find(instanceId);
    if (received === null) return { received, checks: [] };
    const machine = instance.machineId === null ? null : await this.stores.machines.byId(instance.machineId);
    return {
      received,
      checks: checksOf({ ...instance, nics: machine ? nicsOf(machine) : [] }, received.report),
    };
  }
}
