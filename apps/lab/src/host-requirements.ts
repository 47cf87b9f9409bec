import { accessSync, constants, existsSync } from 'node:fs';
import path from 'node:path';
import { firmwareImages } from './firmware.js';
import { LabError } from './lab-error.js';
import type { Firmware } from './options.js';

/** What the lab runs or reads, with the Debian package that brings it. */
const programs = {
  'qemu-system-x86_64': 'qemu-system-x86',
  ipmi_sim: 'openipmi',
  ip: 'iproute2',
  socat: 'socat',
  radvd: 'radvd',
} as const;
const bootRoms = { path: '/usr/lib/ipxe/qemu/pxe-virtio.rom', debianPackage: 'ipxe-qemu' } as const;
const uefiPackage = 'ovmf';
const tunDevice = '/dev/net/tun';

/** Throws with everything that is missing for machines of these firmwares, before anything is touched. */
export function assertHostCanRunLab(firmwares: readonly Firmware[]): void {
  if (process.getuid?.() !== 0) {
    throw new LabError(
      'the lab makes network namespaces, which only root may',
      'Run it as root or with sudo.',
    );
  }
  const missing = missingPackages(existsSync, findProgram, firmwares);
  if (missing.length > 0) {
    throw new LabError(
      `missing on this host: ${missing.join(', ')}`,
      `Install with: apt-get install --no-install-recommends ${missing.join(' ')}`,
    );
  }
  if (!existsSync(tunDevice)) {
    throw new LabError(
      `${tunDevice} does not exist, so machines cannot have a network card`,
      'Load the module (modprobe tun), or in a container add the device: --device /dev/net/tun.',
    );
  }
}

export function missingPackages(
  fileExists: (file: string) => boolean,
  find: (program: string) => boolean,
  firmwares: readonly Firmware[],
): string[] {
  const missing: string[] = Object.entries(programs)
    .filter(([program]) => !find(program))
    .map(([, debianPackage]) => debianPackage);
  if (!fileExists(bootRoms.path)) missing.push(bootRoms.debianPackage);
  const images = firmwares.flatMap((firmware) => Object.values(firmwareImages(firmware) ?? {}));
  if (!images.every(fileExists)) missing.push(uefiPackage);
  return missing;
}

function findProgram(program: string): boolean {
  const dirs = (process.env['PATH'] ?? '').split(path.delimiter).filter((dir) => dir !== '');
  return dirs.some((dir) => isExecutable(path.join(dir, program)));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
