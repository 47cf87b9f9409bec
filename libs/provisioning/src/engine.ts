import type { Machine } from '#core';
import type { Clock, Deadlines, Logger, RetryPolicy, WakeQueue } from '#platform';
import type {
  EventFeed,
  ImageStore,
  InstanceStore,
  InstanceTypeStore,
  LifecycleWriter,
  MachineStore,
} from '#store';
import type { Bmc } from './bmc.js';
import { Conductor } from './conductor.js';
import { Failures } from './failures.js';
import type { Step } from './outcome.js';
import type { InstallMethods } from './methods/install-methods.js';
import type { OperatorCalls } from './operator-calls.js';
import type { SshGreetings } from './ssh-greetings.js';
import { deleteSteps } from './steps/delete-step.js';
import { handOverSteps } from './steps/hand-over-step.js';
import { installSteps } from './steps/install-step.js';
import { powerOrderSteps } from './steps/power-order-steps.js';
import { PowerStages } from './steps/power-stages.js';
import { verifyStep } from './steps/verify-step.js';

interface Engine {
  machines: MachineStore;
  instances: InstanceStore;
  images: ImageStore;
  types: InstanceTypeStore;
  methods: InstallMethods;
  calls: OperatorCalls;
  ssh: SshGreetings;
  writer: LifecycleWriter;
  bmc: Bmc;
  deadlines: Deadlines;
  retries: RetryPolicy;
  sweepMs: number;
  host: { queue: WakeQueue; feed: EventFeed; clock: Clock; logger: Logger };
}

/** The conductor with every step in its place: one file per working state, one entry per stage. */
export function createConductor(engine: Engine): Conductor {
  const { machines, instances, writer, bmc, deadlines, retries, sweepMs, host } = engine;
  const power = new PowerStages(bmc, writer, deadlines);
  const verify = verifyStep(bmc, writer);
  const order = powerOrderSteps(power);
  const steps: Partial<Record<Machine['state'], Record<string, Step>>> = {
    installing: installSteps(power, engine, engine),
    handing_over: handOverSteps(power, instances),
    deleting: deleteSteps(power),
  };
  const stepOf = ({ state, stage, powerOrder }: Machine): Step | undefined => {
    if (state === 'verifying') return verify;
    return powerOrder ? order[powerOrder] : steps[state]?.[stage ?? ''];
  };
  const watchedStages = ['operator', 'booting_disk', 'starting'] as const;
  return new Conductor(
    { machines, stepOf, sweepMs, watchedStages },
    new Failures(writer, host, retries),
    writer,
    host,
  );
}
