import { describe, expect, it } from 'vitest';
import { missingPackages } from './host-requirements.js';
import { listens } from './listening.js';

const everything = () => true;
const nothing = () => false;

describe('what the host must have', () => {
  it('names the Debian package of each program that is missing', () => {
    expect(missingPackages(everything, (program) => program !== 'ipmi_sim', ['bios'])).toEqual(['openipmi']);
    expect(missingPackages(everything, everything, ['uefi'])).toEqual([]);
  });

  it('names the packages of the boot ROMs, and of UEFI where a machine has it', () => {
    expect(missingPackages(nothing, everything, ['bios'])).toEqual(['ipxe-qemu']);
    expect(missingPackages(nothing, everything, ['bios', 'uefi-secure'])).toEqual(['ipxe-qemu', 'ovmf']);
  });
});

describe('the tables of sockets', () => {
  const tcp = `  sl  local_address rem_address   st tx_queue rx_queue
   0: 0100007F:08FD 00000000:0000 0A 00000000:00000000
   1: 0100007F:1B9F 0100007F:A000 01 00000000:00000000`;
  const udp = `  sl  local_address rem_address   st
  412: 65004D0A:026F 00000000:0000 07`;

  it('show a TCP port that listens, not one that is only connected', () => {
    expect(listens(tcp, 'tcp', 2301)).toBe(true);
    expect(listens(tcp, 'tcp', 7071)).toBe(false);
  });

  it('show a UDP port on one address', () => {
    expect(listens(udp, 'udp', 623, '10.77.0.101')).toBe(true);
    expect(listens(udp, 'udp', 623, '10.77.0.102')).toBe(false);
  });
});
