import { biosLoader } from '../boot-files.js';

/** What kind of firmware is given what to load. Firmware that is not listed gets an address and nothing to boot. */
export interface BootProgram {
  /** dnsmasq's tag for such clients. */
  tag: string;
  /** DHCP option 93 (RFC 4578). */
  clientArchitectures: readonly number[];
  /** dnsmasq's name of that architecture, in proxy mode. */
  pxeService: string;
  file: string;
}

export const bootPrograms: readonly BootProgram[] = [
  { tag: 'bios', clientArchitectures: [0], pxeService: 'x86PC', file: biosLoader },
];
