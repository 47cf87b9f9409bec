import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';

export type Accelerator = 'kvm' | 'tcg';

/**
 * A boot sector that enters long mode with paging, counts 2^25 down, uses SSE2 and writes 0x10 to port 0xf4
 * (isa-debug-exit, so QEMU ends with (0x10 << 1) | 1). Under a /dev/kvm that is there without working, such as in
 * some nested virtual machines, real mode may run and this never end.
 */
const bootSectorBase64 =
  '+jHAjtiOwI7QvAB8Zr8AEAAAZjHAZrkADAAA/Gbzq2bHBgAQAyAAAGbHBgAgAzAAAGbHBgAwgwAAAGa4ABAAAA8i2A8g4GYNIAYAAA8i4Ga5' +
  'gAAAwA8yZg0AAQAADzBmDwEWqHwPIMBmg+D7Zg0DAACADyLAZup9fAAACAC5AAAAAv/JdfxmSA9uwWYP1MCwEOb09Ov9ZpAAAAAAAAAAAAAA' +
  'AAAAmiAADwCYfA==';
const sectorBytes = 512;
const exitCodeOfGuest = 33;
/** Working KVM needs a fraction of a second, emulation 0.3 s: what needs longer is of no use. */
const probeTimeoutMs = 2_000;

/** KVM when it really runs a 64-bit guest, emulation otherwise. */
export async function probeAccelerator(): Promise<Accelerator> {
  return (await runsGuest('kvm')) ? 'kvm' : 'tcg';
}

export async function runsGuest(accelerator: Accelerator): Promise<boolean> {
  const dir = await mkdtemp(path.join(tmpdir(), 'dodai-lab-probe-'));
  try {
    const disk = path.join(dir, 'probe.raw');
    await writeFile(disk, bootSector());
    const result = await execa('qemu-system-x86_64', probeArguments(accelerator, disk), {
      reject: false,
      timeout: probeTimeoutMs,
      killSignal: 'SIGKILL',
    });
    return result.exitCode === exitCodeOfGuest;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function bootSector(): Buffer {
  const sector = Buffer.alloc(sectorBytes);
  Buffer.from(bootSectorBase64, 'base64').copy(sector);
  sector.writeUInt16LE(0xaa55, sectorBytes - 2);
  return sector;
}

function probeArguments(accelerator: Accelerator, disk: string): string[] {
  return [
    ...[
      '-nodefaults',
      '-no-user-config',
      '-display',
      'none',
      '-machine',
      'pc',
      '-accel',
      accelerator,
      '-m',
      '64',
    ],
    ...['-drive', `file=${disk},format=raw`, '-device', 'isa-debug-exit,iobase=0xf4,iosize=1'],
  ];
}
