import type { Accelerator } from './accelerator.js';
import { firmwareArguments, machineType } from './firmware.js';
import { machineFiles } from './machine-files.js';
import type { NicModel } from './options.js';
import type { DiskPlan, MachinePlan, ServiceNicPlan } from './plan.js';

/** The network card comes first, unless the BMC was told to boot the disk: chassis.sh sets the variable then. */
const nicBootIndex = '${nic_bootindex:-1}';
const firstDiskBootIndex = 2;

const nicDevices: Record<NicModel, string> = {
  virtio: 'virtio-net-pci',
  e1000: 'e1000',
  e1000e: 'e1000e',
};

/** The script that switches the machine on; chassis.sh runs it. No value needs escaping: plan.ts sees to that. */
export function qemuScript(machine: MachinePlan, accelerator: Accelerator): string {
  const lines = qemuArguments(machine, accelerator).map(([option, value]) =>
    value === undefined ? option : `${option} "${value}"`,
  );
  return [
    '#!/bin/bash',
    'set -euo pipefail',
    `exec qemu-system-x86_64 \\\n  ${lines.join(' \\\n  ')}`,
    '',
  ].join('\n');
}

type Argument = readonly [option: string, value?: string];

function qemuArguments(machine: MachinePlan, accelerator: Accelerator): Argument[] {
  const files = machineFiles(machine);
  return [
    ['-name', machine.name],
    ['-nodefaults'],
    ['-no-user-config'],
    // graphics=off makes SeaBIOS, iPXE and pxelinux speak on the serial line
    ['-machine', `${machineType(machine.firmware)},graphics=off,accel=${accelerator}`],
    ...firmwareArguments(machine),
    ['-cpu', accelerator === 'kvm' ? 'host' : 'max'],
    ['-smp', String(machine.cpus)],
    ['-m', `${machine.memoryMiB}M`],
    ['-uuid', machine.uuid],
    ['-smbios', `type=1,manufacturer=dodai,product=lab,serial=${machine.uuid}`],
    ['-rtc', 'base=utc'],
    ['-boot', 'menu=off,strict=on'],
    ['-display', 'none'],
    ['-object', 'rng-random,id=rng0,filename=/dev/urandom'],
    ['-device', 'virtio-rng-pci,rng=rng0'],
    ['-netdev', `tap,id=net0,ifname=${machine.tap},script=no,downscript=no`],
    ['-device', nicDevice(machine)],
    ...machine.serviceNics.flatMap((nic, index) => serviceNicArguments(machine, nic, index + 1)),
    ...diskArguments(machine.disks),
    [
      '-chardev',
      `socket,id=serial0,path=${files.serialSocket},reconnect=1,logfile=${files.serialLog},logappend=on`,
    ],
    ['-serial', 'chardev:serial0'],
    ['-qmp', `unix:${files.monitorSocket},server=on,wait=off`],
    ['-pidfile', files.qemuPid],
    ['-daemonize'],
  ];
}

function nicDevice({ nic, mac, firmware }: MachinePlan): string {
  const device = `${nicDevices[nic]},id=nic0,netdev=net0,mac=${mac},bootindex=${nicBootIndex}`;
  // UEFI has a driver of its own for virtio, which Secure Boot trusts; iPXE's ROM is not signed
  return nic === 'virtio' && firmware !== 'bios' ? `${device},romfile=` : device;
}

/** Nothing is booted from it. */
function serviceNicArguments(
  { nic: model }: MachinePlan,
  { tap, mac }: ServiceNicPlan,
  number: number,
): Argument[] {
  return [
    ['-netdev', `tap,id=net${number},ifname=${tap},script=no,downscript=no`],
    ['-device', `${nicDevices[model]},id=nic${number},netdev=net${number},mac=${mac},romfile=`],
  ];
}

function diskArguments(disks: readonly DiskPlan[]): Argument[] {
  const controllers: Argument[] = disks.some((disk) => disk.bus === 'sata')
    ? [['-device', 'ich9-ahci,id=ahci0']]
    : [];
  let sataPort = 0;
  const drives = disks.flatMap((disk, index): Argument[] => {
    const common = [
      `id=disk${index},drive=drive${index},serial=${disk.serial},bootindex=${firstDiskBootIndex + index}`,
      ...(disk.sectorBytes === 512
        ? []
        : [`logical_block_size=${disk.sectorBytes}`, `physical_block_size=${disk.sectorBytes}`]),
    ].join();
    return [
      [
        '-drive',
        // a power cut of the host may lose data, one of the guest may not: files of a lab need no more
        `if=none,id=drive${index},file=${disk.path},format=raw,cache=unsafe,discard=unmap,detect-zeroes=unmap`,
      ],
      ...(disk.bus === 'mmc' ? [['-device', `sdhci-pci,id=mmc${index}`] as const] : []),
      ['-device', diskDevice(disk, { common, index }, () => sataPort++)],
    ];
  });
  return [...controllers, ...drives];
}

function diskDevice(
  disk: DiskPlan,
  { common, index }: { common: string; index: number },
  nextSataPort: () => number,
): string {
  switch (disk.bus) {
    case 'virtio':
      return `virtio-blk-pci,${common}`;
    case 'sata':
      return `ide-hd,bus=ahci0.${nextSataPort()},${common}`;
    case 'nvme':
      return `nvme,${common}`;
    case 'mmc':
      return `sd-card,drive=drive${index}`; // a card has no serial number of ours, and is the only one in its slot
  }
}
