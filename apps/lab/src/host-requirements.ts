import { accessSync, constants, existsSync } from 'node:fs';
import path from 'node:path';
import { LabError } from './lab-error.js';

/** What the lab runs or reads, with the Debian package that brings it. */
const programs = {
  'qemu-system-x86_64': 'qemu-system-x86',
  ipmi_sim: 'openipmi',
  ip: 'iproute2',
  socat: 'socat',
  radvd: 'radvd',
} as const;
const bootRoms = { path: '/usr/lib/ipxe/qemu/pxe-virtio.rom', debianPackage: 'ipxe-qemu' } as const;
const tunDevice = '/dev/net/tun';

/** Throws with everything that is missing, before anything is touched. */
export function assertHostCanRunLab(): void {
  if (process.getuid?.() !== 0) {
    throw new LabError(
      'the lab makes network namespaces, which only root may',
      'Run it as root or with sudo.',
    );
  }
  const missing = missingPackages(existsSync, findProgram);
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
): string[] {
  const missing: string[] = Object.entries(programs)
    .filter(([program]) => !find(program))
    .map(([, debianPackage]) => debianPackage);
  return fileExists(bootRoms.path) ? missing : [...missing, bootRoms.debianPackage];
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
