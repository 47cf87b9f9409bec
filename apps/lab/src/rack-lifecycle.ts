import { rm } from 'node:fs/promises';
import path from 'node:path';
import { probeAccelerator } from './accelerator.js';
import { assertHostCanRunLab } from './host-requirements.js';
import { LabError } from './lab-error.js';
import { machineFiles, rackFiles } from './machine-files.js';
import {
  createNamespace,
  deleteNamespace,
  namespaceExists,
  namespacePids,
  networkIsComplete,
} from './namespace.js';
import { parseRackOptions, type RackOptions } from './options.js';
import { namespaceName, planRack, type MachinePlan, type RackPlan } from './plan.js';
import { endProcesses, recordedPid, recordedPids } from './processes.js';
import {
  labDirectory,
  rackExists,
  readPlan,
  removeLabDirectoryIfEmpty,
  writePlan,
  writeRackFiles,
} from './rack-state.js';
import { startServices } from './services.js';

/** Time for a controller that runs in the namespace to shut down in order. */
const gracePeriodMs = 10_000;

/** Raises a new rack, or completes the one of that name. */
export async function raiseRack(options: RackOptions): Promise<RackPlan> {
  const spec = parseRackOptions(options);
  const labDir = labDirectory(options.labDir);
  assertHostCanRunLab(spec.machines.map(({ firmware }) => firmware));
  if (rackExists(spec.name, labDir)) {
    const existing = await readPlan(spec.name, labDir);
    assertMadeWith(existing, options);
    await completeRack(existing);
    return existing;
  }
  assertNameIsFree(spec.name, labDir);
  const plan = planRack(spec, labDir, await probeAccelerator());
  await writePlan(plan);
  try {
    await completeRack(plan);
  } catch (error) {
    await takeDown(plan);
    throw error;
  }
  return plan;
}

/** Finds everything of a rack, whoever made it and whatever became of that process. */
export async function takeDown(plan: RackPlan): Promise<void> {
  await endEveryProcess(plan);
  await deleteNamespace(plan.namespace);
  await rm(plan.dir, { recursive: true, force: true });
  await removeLabDirectoryIfEmpty(path.dirname(plan.dir));
}

export function runningQemu(plan: RackPlan, machine: MachinePlan): number | undefined {
  return recordedPid(machineFiles(machine).qemuPid, plan.dir);
}

async function completeRack(plan: RackPlan): Promise<void> {
  await writeRackFiles(plan);
  if (!(await networkIsComplete(plan))) {
    await endEveryProcess(plan);
    await deleteNamespace(plan.namespace);
    await createNamespace(plan);
  }
  await startServices(plan);
}

/** Those in the namespace, and those recorded, in case someone deleted the namespace under them. */
async function endEveryProcess(plan: RackPlan): Promise<void> {
  const remaining = async () => {
    const machines = plan.machines.flatMap((machine) => runningQemu(plan, machine) ?? []);
    const services = await recordedPids(rackFiles(plan).pids, plan.dir);
    return [...new Set([...(await namespacePids(plan.namespace)), ...services, ...machines])];
  };
  await endProcesses(remaining, gracePeriodMs);
}

function assertMadeWith(plan: RackPlan, options: RackOptions): void {
  const { machines, memoryMiB, cpus, disks, nic, firmware } = options;
  if ([machines, memoryMiB, cpus, disks, nic, firmware].every((option) => option === undefined)) return;
  if (JSON.stringify(parseRackOptions(options)) === JSON.stringify(plan.spec)) return;
  throw new LabError(
    `rack '${plan.name}' exists and was made with other options`,
    `Take it down first (lab down --name ${plan.name}), or choose another name.`,
  );
}

/** The rack is not in our directory, so a namespace of its name belongs to someone else. */
function assertNameIsFree(name: string, labDir: string): void {
  const namespace = namespaceName(name);
  if (!namespaceExists(namespace)) return;
  throw new LabError(
    `the name '${name}' is taken: network namespace ${namespace} exists, and no rack of ${labDir} owns it`,
    'Choose another --name, or take that rack down with the DODAI_LAB_DIR it was raised with.',
  );
}
