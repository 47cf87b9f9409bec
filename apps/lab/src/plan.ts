import { createHash, randomBytes } from 'node:crypto';
import path from 'node:path';
import { LabError } from './lab-error.js';
import type { DiskBus, Firmware, MachineSpec, NicModel, RackSpec } from './options.js';
import type { Accelerator } from './accelerator.js';

export interface DiskPlan {
  bus: DiskBus;
  sizeBytes: number;
  sectorBytes: number;
  path: string;
  serial: string;
}

interface BmcPlan {
  host: string;
  port: number;
  user: string;
  password: string;
}

/** A card besides the one that boots. */
export interface ServiceNicPlan {
  mac: string;
  tap: string;
}

export interface MachinePlan {
  name: string;
  mac: string;
  uuid: string;
  /** The address reserved for this machine's DHCP; the lab has no DHCP server of its own. */
  ip: string;
  bmc: BmcPlan;
  memoryMiB: number;
  cpus: number;
  nic: NicModel;
  serviceNics: ServiceNicPlan[];
  firmware: Firmware;
  disks: DiskPlan[];
  tap: string;
  /** Inside the namespace, where the BMC finds the serial line for serial-over-LAN. */
  solPort: number;
  dir: string;
}

/** Everything that is decided when a rack is made; written once, to state.json. */
export interface RackPlan {
  version: 2;
  /** What it was asked for. */
  spec: RackSpec;
  name: string;
  dir: string;
  namespace: string;
  accelerator: Accelerator;
  controllerAddress: string;
  /** Where machines look for a metadata service; it is the controller's, too. */
  metadataAddress: string;
  prefixLength: number;
  machines: MachinePlan[];
}

const network = '10.77.0';
const metadataAddress = '169.254.169.254';
const firstMachineHost = 11;
const firstBmcHost = 101;
const firstSolPort = 2301;
const ipmiPort = 623;
/** sun_path holds 108 bytes with its NUL. */
const longestSocketPath = 107;
const plainPath = /^[\w./-]+$/;
const longestSocketName = 'machines/m80/console.sock';

export function rackDirectory(labDir: string, name: string): string {
  const dir = path.resolve(labDir, name);
  if (!plainPath.test(dir)) {
    throw new LabError(
      `the rack's directory ${dir} has characters that shells and QEMU read as their own`,
      'Set DODAI_LAB_DIR to a path of letters, digits and . _ - only.',
    );
  }
  if (Buffer.byteLength(path.join(dir, longestSocketName)) > longestSocketPath) {
    throw new LabError(
      `the rack's directory ${dir} is too long for unix sockets`,
      'Choose a shorter DODAI_LAB_DIR.',
    );
  }
  return dir;
}

export function namespaceName(rack: string): string {
  return `dodai-lab-${rack}`;
}

export function planRack(spec: RackSpec, labDir: string, accelerator: Accelerator): RackPlan {
  const dir = rackDirectory(labDir, spec.name);
  return {
    version: 2,
    spec,
    name: spec.name,
    dir,
    namespace: namespaceName(spec.name),
    accelerator,
    controllerAddress: `${network}.1`,
    metadataAddress,
    prefixLength: 24,
    machines: spec.machines.map((machine, index) => planMachine(spec.name, dir, machine, index)),
  };
}

function planMachine(rack: string, rackDir: string, spec: MachineSpec, index: number): MachinePlan {
  const name = `m${index + 1}`;
  const dir = path.join(rackDir, 'machines', name);
  const identity = createHash('sha256').update(`${rack}/${name}`).digest('hex');
  return {
    name,
    mac: macAddress(rack, index),
    uuid: identity.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5'),
    ip: `${network}.${firstMachineHost + index}`,
    bmc: {
      host: `${network}.${firstBmcHost + index}`,
      port: ipmiPort,
      user: 'admin',
      password: randomBytes(8).toString('hex'),
    },
    memoryMiB: spec.memoryMiB,
    cpus: spec.cpus,
    nic: spec.nic,
    serviceNics: Array.from({ length: spec.serviceNics }, (_each, number) => ({
      mac: macAddress(rack, index, number + 1),
      tap: `tap-${name}-s${number + 1}`,
    })),
    firmware: spec.firmware,
    disks: spec.disks.map((disk, number) => ({
      ...disk,
      path: path.join(dir, `disk${number}.raw`),
      serial: `${identity.slice(0, 8)}-${name}-d${number}`.toUpperCase(),
    })),
    tap: `tap-${name}`,
    solPort: firstSolPort + index,
    dir,
  };
}

/** 52:54:00 is QEMU's prefix, whose last byte tells the cards of a machine apart; two bytes tell racks apart, the last one the machines. */
function macAddress(rack: string, index: number, card = 0): string {
  const [first, second] = createHash('sha256').update(rack).digest();
  return ['52', '54', hexByte(card), hexByte(first ?? 0), hexByte(second ?? 0), hexByte(index + 1)].join(':');
}

function hexByte(value: number): string {
  return value.toString(16).padStart(2, '0');
}
