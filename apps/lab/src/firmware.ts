import path from 'node:path';
import { machineFiles } from './machine-files.js';
import type { Firmware } from './options.js';
import type { MachinePlan } from './plan.js';

/** UEFI of a machine: the code, which all share, and the variables that a new machine begins with. */
interface FirmwareImages {
  code: string;
  variables: string;
}

type Argument = readonly [option: string, value: string];

const ovmf = (name: string) => path.join('/usr/share/OVMF', name);
const images: Record<Firmware, FirmwareImages | null> = {
  bios: null,
  uefi: { code: ovmf('OVMF_CODE_4M.fd'), variables: ovmf('OVMF_VARS_4M.fd') },
  'uefi-secure': { code: ovmf('OVMF_CODE_4M.secboot.fd'), variables: ovmf('OVMF_VARS_4M.ms.fd') },
};

/** Null: BIOS, which QEMU brings along. */
export function firmwareImages(firmware: Firmware): FirmwareImages | null {
  return images[firmware];
}

/** What the variables of Secure Boot are kept in, only code in system management mode may write. */
export function machineType(firmware: Firmware): string {
  return { bios: 'pc', uefi: 'q35', 'uefi-secure': 'q35,smm=on' }[firmware];
}

export function firmwareArguments(machine: MachinePlan): Argument[] {
  const found = firmwareImages(machine.firmware);
  if (found === null) return [];
  const { firmwareVariables } = machineFiles(machine);
  return [
    ...(machine.firmware === 'uefi-secure' ? protection : []),
    ['-drive', `if=pflash,format=raw,unit=0,readonly=on,file=${found.code}`],
    ['-drive', `if=pflash,format=raw,unit=1,file=${firmwareVariables}`],
    // it would ask for IPv6 for a minute wherever the boot over IPv4 ends
    ['-fw_cfg', 'name=opt/org.tianocore/IPv6PXESupport,string=n'],
  ];
}

const protection: readonly Argument[] = [
  ['-global', 'driver=cfi.pflash01,property=secure,value=on'],
  ['-global', 'ICH9-LPC.disable_s3=1'],
];
