import { LabError } from './lab-error.js';

/** `mmc`: a memory card, which the smallest of kernels know, and no firmware starts from. */
export const diskBuses = ['virtio', 'sata', 'nvme', 'mmc'] as const;
export type DiskBus = (typeof diskBuses)[number];

export const nicModels = ['virtio', 'e1000', 'e1000e'] as const;
export type NicModel = (typeof nicModels)[number];

/** `uefi-secure`: Secure Boot, with the keys that computers are sold with. */
export const firmwares = ['bios', 'uefi', 'uefi-secure'] as const;
export type Firmware = (typeof firmwares)[number];

interface DiskSpec {
  bus: DiskBus;
  sizeBytes: number;
  /** 512, or 4096 for what is sold as 4K-native. */
  sectorBytes: number;
}

/** What may differ from machine to machine. */
export interface MachineOptions {
  memoryMiB?: number;
  cpus?: number;
  /** `bus:size`, such as `virtio:6G`, with `:4k` for sectors of 4096 bytes. The first disk is the one the firmware boots. */
  disks?: readonly string[];
  nic?: string;
  /** Cards besides the one that boots, up to 2, on a network of their own without DHCP; default 0. */
  serviceNics?: number;
  /** One of `firmwares`; default `bios`. */
  firmware?: string;
}

export interface RackOptions extends MachineOptions {
  name?: string;
  /** How many equal machines, or one entry for each machine; an entry overrides what is set for the rack. */
  machines?: number | readonly MachineOptions[];
  /** Where racks are kept; default `DODAI_LAB_DIR`, else /var/lib/dodai-lab. */
  labDir?: string;
}

export interface MachineSpec {
  memoryMiB: number;
  cpus: number;
  disks: DiskSpec[];
  nic: NicModel;
  serviceNics: number;
  firmware: Firmware;
}

export interface RackSpec {
  name: string;
  machines: MachineSpec[];
}

/** BMC and machine addresses come from one /24 (see plan.ts). */
const maximumMachines = 80;
const sataPorts = 6;
/** The inventory of dodai knows serviceMac1 and serviceMac2. */
const maximumServiceNics = 2;
const minimumMemoryMiB = 128;
const minimumDiskBytes = 1024 ** 2;
const sectors = ['512', '4k'] as const;
const sectorBytes = { '512': 512, '4k': 4096 } as const;
const unitBytes = { K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 } as const;

/** `6G`, `512M`: an integer with a binary unit. */
export function parseSize(text: string): number {
  const match = /^([1-9]\d*)([KMGT])$/.exec(text);
  if (!match) throw new LabError(`'${text}' is not a size`, 'Write an integer and a unit: 512M, 6G, 1T.');
  return Number(match[1]) * unitBytes[match[2] as keyof typeof unitBytes];
}

export function parseDisk(text: string): DiskSpec {
  const [bus, size, sector = '512', ...rest] = text.split(':');
  if (!isOneOf(diskBuses, bus) || size === undefined || !isOneOf(sectors, sector) || rest.length > 0) {
    throw new LabError(
      `'${text}' is not a disk`,
      `Write bus:size with a bus of ${diskBuses.join(', ')}, and :4k for 4K-native: virtio:6G, nvme:6G:4k.`,
    );
  }
  if (bus === 'sata' && sector === '4k')
    throw new LabError(`'${text}': QEMU has no SATA disk that is 4K-native`, 'Use virtio or nvme for it.');
  const sizeBytes = parseSize(size);
  if (bus === 'mmc' && (sector === '4k' || !Number.isInteger(Math.log2(sizeBytes))))
    throw new LabError(
      `'${text}' is no memory card`,
      'Cards have 512-byte sectors and a power of two: mmc:8G.',
    );
  if (sizeBytes < minimumDiskBytes) throw new LabError(`disk '${text}' is too small`, 'Give it 1M or more.');
  return { bus, sizeBytes, sectorBytes: sectorBytes[sector] };
}

export function parseNic(text: string): NicModel {
  if (isOneOf(nicModels, text)) return text;
  throw new LabError(`'${text}' is not a network card`, `Choose one of ${nicModels.join(', ')}.`);
}

function parseFirmware(text: string): Firmware {
  if (isOneOf(firmwares, text)) return text;
  throw new LabError(`'${text}' is not a firmware`, `Choose one of ${firmwares.join(', ')}.`);
}

/** The name becomes part of a directory, a network namespace and host names. */
export function parseRackName(text: string): string {
  if (/^[a-z][a-z0-9-]{0,23}$/.test(text)) return text;
  throw new LabError(
    `'${text}' is not a rack name`,
    'Use up to 24 of a-z, 0-9 and -, beginning with a letter, such as rack or rack-2.',
  );
}

export function parsePort(text: string): number {
  return wholeNumber('port', Number(text), 1, 65_535);
}

/** Fills in the defaults and checks every value; throws `LabError` on the first that is wrong. */
export function parseRackOptions(options: RackOptions): RackSpec {
  const { machines = 2 } = options;
  const list = typeof machines === 'number' ? equalMachines(machines) : machines;
  wholeNumber('number of machines', list.length, 1, maximumMachines);
  return {
    name: parseRackName(options.name ?? 'rack'),
    machines: list.map((machine) => parseMachine({ ...options, ...machine })),
  };
}

function equalMachines(count: number): MachineOptions[] {
  return Array.from({ length: wholeNumber('number of machines', count, 1, maximumMachines) }, () => ({}));
}

function parseMachine(options: MachineOptions): MachineSpec {
  const disks = (options.disks ?? ['virtio:6G']).map(parseDisk);
  if (disks.filter((disk) => disk.bus === 'sata').length > sataPorts) {
    throw new LabError(
      `more than ${sataPorts} SATA disks in a machine`,
      'The controller has six ports; use another bus.',
    );
  }
  const nic = parseNic(options.nic ?? 'virtio');
  const firmware = parseFirmware(options.firmware ?? 'bios');
  if (firmware === 'uefi-secure' && nic !== 'virtio')
    throw new LabError(
      `a machine with Secure Boot and the network card ${nic}`,
      'The boot ROM of that card is not signed, so it would not boot from the network: use virtio.',
    );
  return {
    memoryMiB: wholeNumber('memory (MiB)', options.memoryMiB ?? 1024, minimumMemoryMiB, 1024 * 1024),
    cpus: wholeNumber('number of CPUs', options.cpus ?? 1, 1, 64),
    disks,
    nic,
    serviceNics: wholeNumber('number of service cards', options.serviceNics ?? 0, 0, maximumServiceNics),
    firmware,
  };
}

function wholeNumber(what: string, value: number, minimum: number, maximum: number): number {
  if (Number.isInteger(value) && value >= minimum && value <= maximum) return value;
  throw new LabError(`${what} is ${value}`, `Give a whole number from ${minimum} to ${maximum}.`);
}

function isOneOf<T extends string>(values: readonly T[], value: string | undefined): value is T {
  return values.some((candidate) => candidate === value);
}
