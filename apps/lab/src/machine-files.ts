import path from 'node:path';
import type { MachinePlan, RackPlan } from './plan.js';

/** Files of a machine, by what they are for. chassis.sh knows the names of those it uses. */
export function machineFiles(machine: Pick<MachinePlan, 'dir'>) {
  const file = (name: string) => path.join(machine.dir, name);
  return {
    qemuScript: file('qemu.sh'),
    bmcConfig: file('lan.conf'),
    bmcCommands: file('bmc.emu'),
    bmcState: file('bmc-state'),
    bmcLog: file('bmc.log'),
    firmwareVariables: file('efivars.fd'),
    qemuPid: file('qemu.pid'),
    monitorSocket: file('qmp.sock'),
    serialSocket: file('serial.sock'),
    consoleSocket: file('console.sock'),
    serialLog: file('serial.log'),
    powerLog: file('power.log'),
  };
}

export function rackFiles(rack: Pick<RackPlan, 'dir'>) {
  const file = (name: string) => path.join(rack.dir, name);
  return {
    state: file('state.json'),
    pids: file('pids'),
    logs: file('logs'),
    relayConfig: file('console-relay.json'),
    radvdConfig: file('radvd.conf'),
    radvdPid: file('radvd.pid'),
    relayScript: file('console-relay.mjs'),
    chassisScript: file('chassis.sh'),
  };
}
