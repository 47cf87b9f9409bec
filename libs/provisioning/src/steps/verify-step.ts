import type { LifecycleWriter } from '#store';
import type { Bmc } from '../bmc.js';
import { moved, type Step } from '../outcome.js';

/** Verifying: the BMC takes our credentials and tells the power state. */
export function verifyStep(bmc: Bmc, writer: LifecycleWriter): Step {
  return async (machine, signal) => {
    const power = await bmc.status(machine, signal);
    await writer.advance(machine, 'verified', {
      message: `The BMC of ${machine.name} answers; the machine is ${power}`,
      data: { power },
    });
    return moved;
  };
}
