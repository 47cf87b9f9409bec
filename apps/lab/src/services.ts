import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { bmcArguments } from './bmc-config.js';
import { LabError } from './lab-error.js';
import { machineFiles, rackFiles } from './machine-files.js';
import { execInNamespacePrefix } from './namespace.js';
import type { RackPlan } from './plan.js';
import { isListening } from './listening.js';
import { hasEnded, recordedPid, startDetached, stopRecorded, waitUntil } from './processes.js';

/** What runs for a rack besides its machines: the console relay, a BMC each, and the ports that are published and offered. */
interface Service {
  name: string;
  /** Inside the rack's namespace, or on the host. */
  inNamespace: boolean;
  command: readonly [file: string, ...args: string[]];
  logFile: string;
  ready: (pid: number) => boolean;
  failure: LabError;
}

const startTimeoutMs = 10_000;
const consoleRelayName = 'console-relay';
/** socat goes on with the other direction for that long after one side has finished sending. */
const halfCloseSeconds = '30';

export async function startServices(rack: RackPlan): Promise<void> {
  await startMissing(rack, consoleRelay(rack));
  const services = [routerAdvertiser(rack), ...bmcServices(rack)];
  await Promise.all(services.map((service) => startMissing(rack, service)));
}

/** Makes the controller's port in the namespace a loopback port of the host. */
export async function startPublishing(rack: RackPlan, port: number, hostPort: number): Promise<void> {
  await startPassage(rack, {
    name: `publish-${hostPort}`,
    entrance: { inNamespace: false, address: '127.0.0.1', port: hostPort },
    exit: { inNamespace: true, address: rack.controllerAddress, port },
    taken: new LabError(
      `port ${hostPort} of this host is taken`,
      'Publish another port, or stop what listens there.',
    ),
  });
}

/** Makes a loopback port of the host a port of the controller's address, where machines reach it. */
export async function startOffering(rack: RackPlan, hostPort: number, port: number): Promise<void> {
  await startPassage(rack, {
    name: `offer-${port}`,
    entrance: { inNamespace: true, address: rack.controllerAddress, port },
    exit: { inNamespace: false, address: '127.0.0.1', port: hostPort },
    taken: new LabError(
      `port ${port} of ${rack.controllerAddress} is taken in the rack`,
      'Offer it at another port, or stop what listens there.',
    ),
  });
}

export function serviceIsRunning(rack: RackPlan, name: string): boolean {
  return servicePid(rack, name) !== undefined;
}

function servicePid(rack: RackPlan, name: string): number | undefined {
  return recordedPid(pidFile(rack, name), rack.dir);
}

function consoleRelay(rack: RackPlan): Service {
  const { logs, relayScript, relayConfig } = rackFiles(rack);
  return {
    name: consoleRelayName,
    inNamespace: true,
    command: [process.execPath, relayScript, relayConfig],
    logFile: path.join(logs, 'console-relay.log'),
    ready: (pid) => rack.machines.every((machine) => isListening(pid, 'tcp', machine.solPort)),
    failure: new LabError('the console relay did not start', `See ${path.join(logs, 'console-relay.log')}.`),
  };
}

/**
 * iPXE, the firmware of the network cards, waits 16 s for an IPv6 router at every boot where no one says that there is
 * none: radvd does.
 */
function routerAdvertiser(rack: RackPlan): Service {
  const { logs, radvdConfig, radvdPid } = rackFiles(rack);
  const logFile = path.join(logs, 'radvd.log');
  return {
    name: 'radvd',
    inNamespace: true,
    command: ['radvd', '--nodaemon', '--logmethod', 'stderr', '--config', radvdConfig, '--pidfile', radvdPid],
    logFile,
    ready: () => existsSync(radvdPid),
    failure: new LabError('the router advertiser (radvd) did not start', `See ${logFile}.`),
  };
}

function bmcServices(rack: RackPlan): Service[] {
  return rack.machines.map((machine) => {
    const { bmcLog } = machineFiles(machine);
    return {
      name: `bmc-${machine.name}`,
      inNamespace: true,
      command: ['ipmi_sim', ...bmcArguments(machine)],
      logFile: bmcLog,
      ready: (pid) => isListening(pid, 'udp', machine.bmc.port, machine.bmc.host),
      failure: new LabError(`the BMC of ${machine.name} (ipmi_sim) did not start`, `See ${bmcLog}.`),
    };
  });
}

interface End {
  inNamespace: boolean;
  address: string;
  port: number;
}

/** From one network into the other: two programs, of which each sees one of them, meet at a unix socket. */
interface Passage {
  name: string;
  entrance: End;
  exit: End;
  /** What is thrown when something else listens at the entrance. */
  taken: LabError;
}

async function startPassage(rack: RackPlan, passage: Passage): Promise<void> {
  const { name, entrance, exit, taken } = passage;
  const logFile = path.join(rackFiles(rack).logs, `${name}.log`);
  const socket = path.join(rack.dir, `${name}.sock`);
  const far: Service = {
    name: `${name}-far`,
    inNamespace: exit.inNamespace,
    command: socat(`UNIX-LISTEN:${socket},fork,unlink-early,mode=600`, `TCP:${exit.address}:${exit.port}`),
    logFile,
    ready: () => existsSync(socket),
    failure: new LabError(`port ${exit.port} of ${exit.address} could not be passed on`, `See ${logFile}.`),
  };
  const near: Service = {
    name,
    inNamespace: entrance.inNamespace,
    command: socat(
      `TCP-LISTEN:${entrance.port},bind=${entrance.address},reuseaddr,fork`,
      `UNIX-CONNECT:${socket}`,
    ),
    logFile,
    ready: (pid) => isListening(pid, 'tcp', entrance.port),
    failure: taken,
  };
  // Looked at first: once ours is being started, another's listener is not told from it.
  const neighbour = entrance.inNamespace ? servicePid(rack, consoleRelayName) : process.pid;
  const isTaken = neighbour !== undefined && isListening(neighbour, 'tcp', entrance.port);
  if (isTaken && !serviceIsRunning(rack, name)) throw taken;
  if (!serviceIsRunning(rack, far.name)) await rm(socket, { force: true });
  await startMissing(rack, far);
  await startMissing(rack, near);
}

function socat(from: string, to: string): Service['command'] {
  return ['socat', '-t', halfCloseSeconds, from, to];
}

async function startMissing(rack: RackPlan, service: Service): Promise<void> {
  if (serviceIsRunning(rack, service.name)) return;
  const prefix = service.inNamespace ? execInNamespacePrefix(rack.namespace) : [];
  const [file = '', ...args] = [...prefix, ...service.command];
  const recorded = pidFile(rack, service.name);
  const pid = await startDetached({ file, args, pidFile: recorded, logFile: service.logFile });
  await waitUntil(() => service.ready(pid) || hasEnded(pid), startTimeoutMs);
  if (service.ready(pid) && !hasEnded(pid)) return;
  await stopRecorded(recorded, rack.dir);
  throw service.failure;
}

function pidFile(rack: RackPlan, name: string): string {
  return path.join(rackFiles(rack).pids, `${name}.pid`);
}
