import { existsSync } from 'node:fs';
import {
  copyFile,
  link,
  mkdir,
  open,
  readFile,
  readdir,
  rm,
  rmdir,
  truncate,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bmcCommands, bmcConfig } from './bmc-config.js';
import { firmwareImages } from './firmware.js';
import { LabError } from './lab-error.js';
import { machineFiles, rackFiles } from './machine-files.js';
import { routerAdvertisement } from './namespace.js';
import { rackDirectory } from './plan.js';
import type { MachinePlan, RackPlan } from './plan.js';
import { qemuScript } from './qemu-command.js';

/** Programs of the lab that are not compiled: copied into the rack, so that it outlives a change of the sources. */
const sourceDir = path.join(packageRoot(), 'apps/lab/src');

export function labDirectory(labDir?: string): string {
  return path.resolve(labDir ?? process.env['DODAI_LAB_DIR'] ?? '/var/lib/dodai-lab');
}

export function rackExists(name: string, labDir: string): boolean {
  return existsSync(rackFiles({ dir: rackDirectory(labDir, name) }).state);
}

export async function rackNames(labDir: string): Promise<string[]> {
  const entries = await readdir(labDir, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() && rackExists(entry.name, labDir))
    .map((entry) => entry.name)
    .sort();
}

export async function readPlan(name: string, labDir: string): Promise<RackPlan> {
  const { state } = rackFiles({ dir: rackDirectory(labDir, name) });
  // written by this program alone (writePlan), so its shape is known once the version is
  const plan = JSON.parse(await readFile(state, 'utf8')) as RackPlan;
  if (plan.version === 2) return plan;
  throw new LabError(
    `${state} was written by another version of the lab`,
    `Take the rack down: lab down --name ${name}`,
  );
}

/**
 * The first thing written of a rack, so that whatever follows can be found and taken down. It appears complete or not
 * at all, and of two that raise the same rack at once only one gets it.
 */
export async function writePlan(plan: RackPlan): Promise<void> {
  const { state } = rackFiles(plan);
  const draft = `${state}.${process.pid}`;
  await mkdir(plan.dir, { recursive: true, mode: 0o700 });
  await writeFile(draft, `${JSON.stringify(plan, null, 2)}\n`, { mode: 0o600 });
  try {
    await link(draft, state);
  } catch (cause) {
    throw new LabError(`rack '${plan.name}' is being raised by another process`, 'Wait for it: lab status.', {
      cause,
    });
  } finally {
    await rm(draft, { force: true });
  }
}

/** Writes every file of the rack; disks that exist are kept. */
export async function writeRackFiles(plan: RackPlan): Promise<void> {
  const files = rackFiles(plan);
  await Promise.all([files.pids, files.logs].map((dir) => mkdir(dir, { recursive: true })));
  await copyFile(path.join(sourceDir, 'chassis.sh'), files.chassisScript);
  await copyFile(path.join(sourceDir, 'console-relay.mjs'), files.relayScript);
  await writeFile(files.radvdConfig, routerAdvertisement());
  await writeFile(files.relayConfig, relayConfig(plan));
  await Promise.all(plan.machines.map((machine) => writeMachineFiles(plan, machine)));
}

/** Removes the directory that holds the racks when the last is gone. */
export async function removeLabDirectoryIfEmpty(labDir: string): Promise<void> {
  await rmdir(labDir).catch(() => undefined);
}

async function writeMachineFiles(plan: RackPlan, machine: MachinePlan): Promise<void> {
  const files = machineFiles(machine);
  await mkdir(files.bmcState, { recursive: true });
  await writeFile(files.bmcConfig, bmcConfig(machine, rackFiles(plan).chassisScript), { mode: 0o600 });
  await writeFile(files.bmcCommands, bmcCommands());
  await writeStartScript(plan, machine);
  await writeFile(files.serialLog, '', { flag: 'a' });
  await writeFirmwareVariables(machine);
  await Promise.all(machine.disks.map((disk) => createSparseFile(disk.path, disk.sizeBytes)));
}

/** As a machine leaves the factory; what it then remembers (boot entries, their order) is its own. */
async function writeFirmwareVariables(machine: MachinePlan): Promise<void> {
  const images = firmwareImages(machine.firmware);
  const { firmwareVariables } = machineFiles(machine);
  if (images !== null && !existsSync(firmwareVariables)) await copyFile(images.variables, firmwareVariables);
}

async function createSparseFile(file: string, sizeBytes: number): Promise<void> {
  if (existsSync(file)) return;
  await (await open(file, 'wx', 0o600)).close();
  await truncate(file, sizeBytes);
}

function relayConfig(plan: RackPlan): string {
  const machines = plan.machines.map((machine) => {
    const { serialSocket, consoleSocket } = machineFiles(machine);
    return { serialSocket, consoleSocket, solPort: machine.solPort };
  });
  return JSON.stringify({ machines });
}

/** The same from source (tests) and from dist/ (the built program). */
function packageRoot(): string {
  let dir = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(dir, 'package.json'))) dir = path.dirname(dir);
  return dir;
}

/** The script that switches the machine on, with the disks that it is given. */
export async function writeStartScript(plan: RackPlan, machine: MachinePlan): Promise<void> {
  const script = qemuScript(machine, plan.accelerator);
  await writeFile(machineFiles(machine).qemuScript, script, { mode: 0o700 });
}
