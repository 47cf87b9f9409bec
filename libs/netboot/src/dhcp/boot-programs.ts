import type { BootMode } from '#core';
import { biosLoader, uefiLoader } from '../loader-files.js';

/** What kind of firmware is given what to load. Firmware that is not listed gets an address and nothing to boot. */
export interface BootProgram {
  /** dnsmasq's tag for such clients, and the boot mode of such machines. */
  tag: BootMode;
  /** DHCP option 93 (RFC 4578): 7 is x86-64 UEFI, and 9 too, in firmware that took the RFC's first numbering. */
  clientArchitectures: readonly number[];
  file: string;
}

export const bootPrograms: readonly BootProgram[] = [
  { tag: 'bios', clientArchitectures: [0], file: biosLoader },
  { tag: 'uefi', clientArchitectures: [7, 9], file: uefiLoader },
];

/** The boot mode of firmware that asks with this number; null: there is no loader for it. */
export function bootModeOfArchitecture(architecture: number): BootMode | null {
  const program = bootPrograms.find(({ clientArchitectures }) => clientArchitectures.includes(architecture));
  return program?.tag ?? null;
}
