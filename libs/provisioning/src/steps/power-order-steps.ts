import type { PowerOrder } from '#core';
import { moved, type Step } from '../outcome.js';
import type { PowerStages } from './power-stages.js';

/** What start, stop, reboot and power cycle do to a machine at rest: one entry per order of the life cycle. */
export function powerOrderSteps(power: PowerStages): Record<PowerOrder, Step> {
  const { bmc, deadlines, writer } = power;
  const shutDown: Step = async (machine, signal) => {
    const message = await power.shutDown(machine, signal);
    await writer.advancePowerOrder(machine, 'powered_off', { message });
    return moved;
  };
  const cutPower: Step = async (machine, signal) => {
    await bmc.ensure(machine, 'off', deadlines.powerMs, signal);
    await writer.advancePowerOrder(machine, 'powered_off', { message: `${machine.name} is off` });
    return moved;
  };
  const start: Step = async (machine, signal) => {
    await bmc.ensure(machine, 'on', deadlines.powerMs, signal);
    await writer.advancePowerOrder(machine, 'powered_on', { message: `${machine.name} is on` });
    return moved;
  };
  return {
    stopping: shutDown,
    stopping_hard: cutPower,
    rebooting: shutDown,
    cycling: cutPower,
    starting: start,
  };
}
