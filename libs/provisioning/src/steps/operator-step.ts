import type { Machine } from '#core';
import type { Installation, OperatorCall } from '../methods/install-method.js';
import type { OperatorCalls } from '../operator-calls.js';
import type { Step } from '../outcome.js';
import type { PowerStages } from './power-stages.js';

/** Of a machine whose person is to be called. */
type CallOf = (machine: Machine) => Promise<{ installation: Installation; call: OperatorCall }>;

/**
 * The power is brought to where the person is to find it, once; then they are called. From then on the power is theirs, and what
 * ends the stage is their word, or that of a script of theirs.
 */
export function operatorStep({ bmc, deadlines }: PowerStages, calls: OperatorCalls, callOf: CallOf): Step {
  const awaits = 'a person to install it (done or failed)';
  return async (machine, signal) => {
    let told = await calls.told(machine);
    if (!told) {
      const { installation, call } = await callOf(machine);
      await bmc.ensure(machine, call.power, deadlines.powerMs, signal);
      await calls.call(installation, call);
      told = await calls.told(machine);
    }
    const lookAgainMs = told && calls.deliver(told, signal);
    return { kind: 'waiting', awaits, deadlineMs: deadlines.operatorMs, lookAgainMs };
  };
}
