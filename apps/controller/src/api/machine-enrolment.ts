import { Injectable } from '@nestjs/common';
import { DomainError, errorCodes, type InstanceType, isWorking, type Machine } from '#core';
import type { MachineCreate, MachinePatch } from '#contract';
import { Secret } from '#platform';
import { type Asker, Verbs } from '#provisioning';
import { InstanceTypeStore, MachineStore, type NewMachine } from '#store';
import { EventWait, type WaitLimits } from './event-wait.js';

/** How waiting for the check of a BMC ended. */
export type EnrolmentOutcome = { kind: 'verified' | 'refused' | 'waiting'; machine: Machine };

/** Machines come into the inventory, and their BMCs are tried at once. */
@Injectable()
export class MachineEnrolment {
  constructor(
    private readonly machines: MachineStore,
    private readonly instanceTypes: InstanceTypeStore,
    private readonly verbs: Verbs,
    private readonly waiting: EventWait,
  ) {}

  async enrol(wanted: MachineCreate, asker: Asker): Promise<Machine> {
    const machine = await this.machines.create(newMachineOf(wanted, await this.typeOf(wanted)), asker.name);
    return this.verbs.verify(machine.id, asker);
  }

  /** All or none. */
  async enrolAll(wanted: MachineCreate[], asker: Asker): Promise<Machine[]> {
    const created: NewMachine[] = [];
    for (const machine of wanted) created.push(newMachineOf(machine, await this.typeOf(machine)));
    const machines: Machine[] = [];
    for (const { id } of await this.machines.createAll(created, asker.name))
      machines.push(await this.verbs.verify(id, asker));
    return machines;
  }

  /** Resolves when the BMC was checked, or when the time is over. */
  async checked(machineId: string, limits: WaitLimits): Promise<EnrolmentOutcome> {
    const { machine, reached } = await this.waiting.until(
      (event) => event.machineId === machineId,
      limits,
      async () => {
        const present = await this.machines.get(machineId);
        return { machine: present, reached: !isWorking(present.state) };
      },
    );
    if (!reached) return { kind: 'waiting', machine };
    return { kind: machine.state === 'verify_failed' ? 'refused' : 'verified', machine };
  }

  change(machineId: string, { bmcPassword, ...patch }: MachinePatch, asker: Asker): Promise<Machine> {
    const password = bmcPassword === undefined ? {} : { bmcPassword: new Secret(bmcPassword) };
    return this.verbs.change(machineId, { ...patch, ...password }, asker);
  }

  private async typeOf({ instanceType }: MachineCreate): Promise<InstanceType> {
    return this.instanceTypes.get(instanceType);
  }
}

/** What the machine does not say of its capacity is that of its type. */
function newMachineOf(wanted: MachineCreate, type: InstanceType): NewMachine {
  return {
    ...wanted,
    bmcPassword: new Secret(wanted.bmcPassword),
    vcpus: wanted.vcpus ?? type.vcpus,
    memoryMb: wanted.memoryMb ?? type.memoryMb,
    localGb: wanted.localGb ?? type.localGb,
  };
}

/** Why the last attempt with the machine failed, as the error it was. */
export function lastErrorOf({ id, name, lastError }: Machine): DomainError {
  const code = errorCodes.find((known) => known === lastError?.code) ?? 'internal';
  return new DomainError(code, lastError?.message ?? `The BMC of ${name} could not be checked.`, {
    remedy: lastError?.remedy,
    context: { machineId: id },
  });
}
