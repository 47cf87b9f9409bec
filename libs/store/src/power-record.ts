import { hasOwnPower, type LastError, type Machine, type PowerState } from '#core';
import { Prisma } from './generated/client.js';
import { toMachine } from './rows.js';
import { type Transaction, Transitions } from './transitions.js';

/** What a BMC says of its machine, or that it says nothing, inside one transaction of LifecycleWriter. */
export class PowerRecord {
  private readonly to: Transitions;

  constructor(
    private readonly tx: Transaction,
    private readonly now: Date,
  ) {
    this.to = new Transitions(tx, now);
  }

  /** Told by whoever commands the BMC. What was not ordered is drift. */
  async report(id: string, power: PowerState, isOrdered = false): Promise<Machine> {
    const data = { power, powerAt: this.now };
    const seen = await this.answered(toMachine(await this.tx.machine.update({ where: { id }, data })));
    if (await this.follow(seen)) await this.tell(seen, null, isOrdered || seen.powerOrder !== null);
    return seen;
  }

  /** Told by whoever only looked: it holds if nothing was done to the machine, or said of its power, since `machine` was read. */
  async look(machine: Machine, power: PowerState): Promise<Machine> {
    const data = { power, powerAt: this.now };
    const seen = await this.answered(await this.to.update(machine, data, leftAlone(machine)));
    const changed = machine.power !== 'unknown' && machine.power !== power;
    if ((await this.follow(seen)) || changed) await this.tell(seen, machine.power, false);
    return seen;
  }

  /** The same fault again changes nothing; another one keeps the moment since when the BMC has been failing. */
  async fault(machine: Machine, { at, ...fault }: LastError): Promise<void> {
    const { name, bmcFault } = machine;
    if (bmcFault?.code === fault.code) return;
    await this.to.update(machine, { bmcFault: { ...fault, at: bmcFault?.at ?? at } }, leftAlone(machine));
    await this.to.record(machine, 'bmc.lost', {
      message: `The BMC of ${name} cannot be asked: ${fault.message}`,
      data: { ...fault, before: bmcFault?.code },
    });
  }

  /** The next look is due at once: while it failed it was looked at less and less. */
  private async answered(machine: Machine): Promise<Machine> {
    const { id, name, bmcFault } = machine;
    if (!bmcFault) return machine;
    const data = { bmcFault: Prisma.DbNull, powerDueAt: null };
    const mended = toMachine(await this.tx.machine.update({ where: { id }, data }));
    const message = `The BMC of ${name} answers again; since ${bmcFault.at} it did not, or not as it should`;
    await this.to.record(mended, 'bmc.back', { message, data: { code: bmcFault.code, since: bmcFault.at } });
    return mended;
  }

  /** Whether the instance has become another thing by it. */
  private async follow({ state, instanceId, power }: Machine): Promise<boolean> {
    if (!hasOwnPower(state) || !instanceId || power === 'unknown') return false;
    return this.to.moveInstance(instanceId, power === 'off' ? 'seen_off' : 'seen_on');
  }

  private async tell(machine: Machine, before: PowerState | null, isOrdered: boolean): Promise<void> {
    const { name, power, powerOrder } = machine;
    const how = isOrdered ? 'as was ordered' : 'which nobody ordered here: the record follows';
    await this.to.record(machine, isOrdered ? 'power.seen' : 'power.drift', {
      message: `${name} was seen ${power}, ${how}`,
      data: { power, powerOrder, ...(before && { before }) },
    });
  }
}

/** Nobody has ordered anything of its power, and nobody else has seen it since. */
function leftAlone({ powerAt }: Machine): Prisma.MachineWhereInput {
  return { powerOrder: null, powerAt };
}
