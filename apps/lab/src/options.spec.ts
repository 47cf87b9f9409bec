import { describe, expect, it } from 'vitest';
import { LabError } from './lab-error.js';
import { parseDisk, parseNic, parsePort, parseRackName, parseRackOptions, parseSize } from './options.js';

describe('options of a rack', () => {
  it('makes two machines with one virtio disk by default', () => {
    const machine = {
      memoryMiB: 1024,
      cpus: 1,
      disks: [{ bus: 'virtio', sizeBytes: 6 * 1024 ** 3, sectorBytes: 512 }],
      nic: 'virtio',
      serviceNics: 0,
      firmware: 'bios',
    };
    expect(parseRackOptions({})).toEqual({ name: 'rack', machines: [machine, machine] });
  });

  it('lets a machine override what is set for the rack', () => {
    const { machines } = parseRackOptions({
      memoryMiB: 512,
      machines: [{}, { memoryMiB: 2048, nic: 'e1000' }],
    });
    expect(machines.map(({ memoryMiB, nic }) => [memoryMiB, nic])).toEqual([
      [512, 'virtio'],
      [2048, 'e1000'],
    ]);
  });

  it('reads sizes with binary units', () => {
    expect(parseSize('512M')).toBe(512 * 1024 ** 2);
    expect(parseSize('1T')).toBe(1024 ** 4);
  });

  it.each(['', '6', '6GB', '0G', '-1G', '1.5G', 'G'])('refuses the size %j', (text) => {
    expect(() => parseSize(text)).toThrow(LabError);
  });

  it('reads disks of every bus', () => {
    expect(parseDisk('sata:1G')).toEqual({ bus: 'sata', sizeBytes: 1024 ** 3, sectorBytes: 512 });
    expect(parseDisk('nvme:1G:4k')).toMatchObject({ bus: 'nvme', sectorBytes: 4096 });
  });

  it.each([
    'scsi:6G',
    'virtio',
    'virtio:',
    'virtio:6G:7',
    ':6G',
    'virtio:4K',
    'sata:6G:4k',
    'mmc:6G',
    'mmc:8G:4k',
    'nvme:6G:4k:',
  ])('refuses the disk %j', (text) => {
    expect(() => parseDisk(text)).toThrow(LabError);
  });

  it.each(['', 'Rack', '1rack', 'a b', '../x', 'a'.repeat(25)])('refuses the name %j', (text) => {
    expect(() => parseRackName(text)).toThrow(LabError);
  });

  it.each(['0', '65536', '80x', '1.5'])('refuses the port %j', (text) => {
    expect(() => parsePort(text)).toThrow(LabError);
  });

  it.each([
    { machines: 0 },
    { machines: 81 },
    { machines: Number.NaN },
    { machines: [] },
    { memoryMiB: 64 },
    { cpus: 1.5 },
    { serviceNics: 3 },
    { disks: Array<string>(7).fill('sata:1G') },
  ])('refuses $machines machines, $memoryMiB MiB, $cpus CPUs, disks $disks', (options) => {
    expect(() => parseRackOptions(options)).toThrow(LabError);
  });

  it('lets each machine have a firmware of its own', () => {
    const { machines } = parseRackOptions({ firmware: 'uefi', machines: [{}, { firmware: 'uefi-secure' }] });
    expect(machines.map(({ firmware }) => firmware)).toEqual(['uefi', 'uefi-secure']);
    expect(() => parseRackOptions({ firmware: 'efi' })).toThrow("'efi' is not a firmware");
    expect(() => parseRackOptions({ firmware: 'uefi-secure', nic: 'e1000e' })).toThrow(LabError);
  });

  it('says which network cards there are', () => {
    expect(() => parseNic('ne2k')).toThrow(
      expect.objectContaining({ remedy: expect.stringContaining('e1000') }),
    );
  });
});
