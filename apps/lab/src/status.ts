import Table from 'cli-table3';
import type { Rack } from './rack.js';

/** What `lab status --json` prints for a rack. */
export function describeRack(rack: Rack) {
  const { name, dir, namespace, accelerator, controllerAddress, prefixLength } = rack;
  const machines = rack.machines.map((machine) => ({
    name: machine.name,
    power: rack.powerState(machine),
    mac: machine.mac,
    ip: machine.ip,
    firmware: machine.firmware,
    bmc: { ...machine.bmc, running: rack.bmcIsRunning(machine) },
    diskPaths: machine.diskPaths,
    serialLogPath: machine.serialLogPath,
  }));
  return { name, dir, namespace, accelerator, controllerAddress, prefixLength, machines };
}

export function printRack(rack: Rack): void {
  const table = new Table({
    head: ['machine', 'firmware', 'power', 'MAC', 'address', 'BMC', 'user / password', 'disks'],
    style: { head: [], border: [] },
  });
  for (const machine of rack.machines) {
    const { host, user, password } = machine.bmc;
    const bmc = rack.bmcIsRunning(machine) ? host : `${host} (down: lab up starts it)`;
    const disks = machine.disks.map((disk) => `${disk.bus} ${disk.sizeBytes / 1024 ** 3} GiB`).join(', ');
    table.push([
      machine.name,
      machine.firmware,
      rack.powerState(machine),
      machine.mac,
      machine.ip,
      bmc,
      `${user} / ${password}`,
      disks,
    ]);
  }
  console.log(
    `Rack '${rack.name}' (${rack.accelerator}) in namespace ${rack.namespace}, controller address ` +
      `${rack.controllerAddress}/${rack.prefixLength}, files in ${rack.dir}`,
  );
  console.log(table.toString());
}
