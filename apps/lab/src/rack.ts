import { open, readFile } from 'node:fs/promises';
import { execa, type Options as ExecaOptions } from 'execa';
import type { Accelerator } from './accelerator.js';
import { LabError } from './lab-error.js';
import { machineFiles } from './machine-files.js';
import { execInNamespacePrefix } from './namespace.js';
import { parseRackName, type RackOptions } from './options.js';
import type { MachinePlan, RackPlan } from './plan.js';
import { waitUntil } from './processes.js';
import { raiseRack, runningQemu, takeDown } from './rack-lifecycle.js';
import { labDirectory, rackExists, rackNames, readPlan, writeStartScript } from './rack-state.js';
import { serviceIsRunning, startOffering, startPublishing } from './services.js';

export interface RackMachine extends MachinePlan {
  /** Raw files, sparse: a machine's disk can be read as it is. */
  diskPaths: string[];
  /** Everything the machine wrote to its serial line, all boots one after the other. */
  serialLogPath: string;
  /** Of its cards besides the one that boots (`mac`). */
  serviceMacs: string[];
}

/** A machine by name, or the object itself. */
export type MachineRef = string | { name: string };

/**
 * A rack of virtual machines, each with a BMC, in a network namespace. It lives in its directory and its processes,
 * not in this object: any process may `open` it, and `down` finds everything after a crash.
 */
export class Rack {
  readonly machines: RackMachine[];

  private constructor(private readonly plan: RackPlan) {
    this.machines = plan.machines.map((machine) => ({
      ...machine,
      diskPaths: machine.disks.map((disk) => disk.path),
      serialLogPath: machineFiles(machine).serialLog,
      serviceMacs: machine.serviceNics.map(({ mac }) => mac),
    }));
  }

  /**
   * Raises a rack with all machines off, or completes the one of that name; throws `LabError` when that one was made
   * with other options, when the host lacks something, or when the name is taken.
   */
  static async create(options: RackOptions = {}): Promise<Rack> {
    return new Rack(await raiseRack(options));
  }

  static async open(name: string, labDir?: string): Promise<Rack> {
    const dir = labDirectory(labDir);
    if (!rackExists(parseRackName(name), dir)) {
      const names = await rackNames(dir);
      throw new LabError(
        `there is no rack '${name}' in ${dir}`,
        names.length === 0 ? 'Raise one: lab up.' : `There are: ${names.join(', ')}.`,
      );
    }
    return new Rack(await readPlan(name, dir));
  }

  static names(labDir?: string): Promise<string[]> {
    return rackNames(labDirectory(labDir));
  }

  get name(): string {
    return this.plan.name;
  }

  get dir(): string {
    return this.plan.dir;
  }

  get namespace(): string {
    return this.plan.namespace;
  }

  get accelerator(): Accelerator {
    return this.plan.accelerator;
  }

  /** What a controller binds to and serves from; it is on the machines' network. */
  get controllerAddress(): string {
    return this.plan.controllerAddress;
  }

  /** What a metadata service of the rack binds to: 169.254.169.254, on the controller's side of the machines' network. */
  get metadataAddress(): string {
    return this.plan.metadataAddress;
  }

  get prefixLength(): number {
    return this.plan.prefixLength;
  }

  /** Put before a command, it runs in the rack's network: `['nsenter', '--net=…', '--']`. */
  get execCommandPrefix(): string[] {
    return execInNamespacePrefix(this.namespace);
  }

  /** Runs a program in the rack's network and waits for it. */
  async exec(file: string, args: readonly string[] = [], options: ExecaOptions = {}) {
    const [prefix = '', ...rest] = this.execCommandPrefix;
    return execa(prefix, [...rest, file, ...args], options);
  }

  /** Makes a TCP port of the controller reachable as 127.0.0.1:hostPort of this host. */
  async publish(port: number, hostPort = port): Promise<void> {
    await startPublishing(this.plan, port, hostPort);
  }

  /** Makes what listens on 127.0.0.1:hostPort of this host reachable for the machines, as controllerAddress:port. */
  async offer(hostPort: number, port = hostPort): Promise<void> {
    await startOffering(this.plan, hostPort, port);
  }

  machine(ref: MachineRef): RackMachine {
    const name = typeof ref === 'string' ? ref : ref.name;
    const machine = this.machines.find((candidate) => candidate.name === name);
    if (machine) return machine;
    throw new LabError(
      `rack '${this.name}' has no machine '${name}'`,
      `There are: ${this.machines.map((candidate) => candidate.name).join(', ')}.`,
    );
  }

  /** The truth, asked of no BMC: a machine is on while its QEMU process lives. */
  powerState(ref: MachineRef): 'on' | 'off' {
    return this.qemuPid(ref) === undefined ? 'off' : 'on';
  }

  qemuPid(ref: MachineRef): number | undefined {
    return runningQemu(this.plan, this.machine(ref));
  }

  bmcIsRunning(ref: MachineRef): boolean {
    return serviceIsRunning(this.plan, `bmc-${this.machine(ref).name}`);
  }

  /** What is on a disk; while the machine is on, without what its operating system has not written yet. */
  async readDisk(ref: MachineRef, diskIndex: number, offset: number, length: number): Promise<Buffer> {
    const { diskPaths, name } = this.machine(ref);
    const diskPath = diskPaths[diskIndex];
    if (diskPath === undefined)
      throw new LabError(`${name} has no disk ${diskIndex}`, `It has ${diskPaths.length}.`);
    const file = await open(diskPath, 'r');
    try {
      const buffer = Buffer.alloc(length);
      const { bytesRead } = await file.read(buffer, 0, length, offset);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  /** From its next start on the machine is without this disk, as if it had been pulled out. */
  async pullDisk(ref: MachineRef, diskIndex: number): Promise<void> {
    const machine = this.machine(ref);
    const disks = machine.disks.filter((_disk, index) => index !== diskIndex);
    await writeStartScript(this.plan, { ...machine, disks });
  }

  /** From its next start on the machine has all its disks again. */
  async putDisksBack(ref: MachineRef): Promise<void> {
    await writeStartScript(this.plan, this.machine(ref));
  }

  async serialLog(ref: MachineRef): Promise<string> {
    return readFile(this.machine(ref).serialLogPath, 'utf8');
  }

  /** Waits until the serial log, from a position on, has the pattern. */
  async waitForSerial(ref: MachineRef, pattern: RegExp, timeoutMs: number, fromOffset = 0): Promise<void> {
    const found = async () => pattern.test((await this.serialLog(ref)).slice(fromOffset));
    if (await waitUntil(found, timeoutMs)) return;
    const { name, serialLogPath } = this.machine(ref);
    const tail = (await this.serialLog(ref)).slice(-500);
    throw new LabError(
      `${name} did not write ${pattern} within ${timeoutMs} ms: …${tail}`,
      `See ${serialLogPath}.`,
    );
  }

  /** Ends every process of the rack and removes its network and its files, disks included. */
  async down(): Promise<void> {
    await takeDown(this.plan);
  }
}
