import type { Machine } from '#core';
import type { Clock, Deadlines, Logger, WakeQueue } from '#platform';
import type { InstanceStore, LifecycleWriter, MachineStore } from '#store';
import type { Bmc } from './bmc.js';
import { Conductor } from './conductor.js';
import type { Step } from './outcome.js';
import { deleteSteps } from './steps/delete-step.js';
import { installSteps } from './steps/install-step.js';
import { PowerStages } from './steps/power-stages.js';
import { verifyStep } from './steps/verify-step.js';

interface Engine {
  machines: MachineStore;
  instances: InstanceStore;
  writer: LifecycleWriter;
  bmc: Bmc;
  deadlines: Deadlines;
  host: { queue: WakeQueue; clock: Clock; logger: Logger };
}

/** The conductor with every step in its place: one file per working state, one entry per stage. */
export function createConductor({ machines, instances, writer, bmc, deadlines, host }: Engine): Conductor {
  const power = new PowerStages(bmc, writer, deadlines);
  const verify = verifyStep(bmc, writer);
  const install: Record<string, Step> = installSteps(power, instances);
  const remove: Record<string, Step> = deleteSteps(power);
  const stepOf = ({ state, stage }: Machine): Step | undefined => {
    if (state === 'verifying') return verify;
    if (state === 'installing') return install[stage ?? ''];
    return state === 'deleting' ? remove[stage ?? ''] : undefined;
  };
  return new Conductor(machines, writer, stepOf, host);
}
