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

/** What runs for a rack besides its machines: the console relay, a BMC each, and the published ports. */
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
/** socat goes on with the other direction for that long after one side has finished sending. */
const halfCloseSeconds = '30';

export async function startServices(rack: RackPlan): Promise<void> {
  await startMissing(rack, consoleRelay(rack));
  const services = [routerAdvertiser(rack), ...bmcServices(rack)];
  await Promise.all(services.map((service) => startMissing(rack, service)));
}

/** Joins a loopback port of the host to the controller's port in the namespace, over a unix socket. */
export async function startPublishing(rack: RackPlan, port: number, hostPort: number): Promise<void> {
  const [inner, outer] = publishServices(rack, port, hostPort);
  // Looked at first: once ours is being started, another's listener is not told from it.
  if (!serviceIsRunning(rack, outer.name) && isListening(process.pid, 'tcp', hostPort)) throw outer.failure;
  if (!serviceIsRunning(rack, inner.name)) await rm(publishSocket(rack, hostPort), { force: true });
  await startMissing(rack, inner);
  await startMissing(rack, outer);
}

export function serviceIsRunning(rack: RackPlan, name: string): boolean {
  return recordedPid(pidFile(rack, name), rack.dir) !== undefined;
}

function consoleRelay(rack: RackPlan): Service {
  const { logs, relayScript, relayConfig } = rackFiles(rack);
  return {
    name: 'console-relay',
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

function publishServices(rack: RackPlan, port: number, hostPort: number): [inner: Service, outer: Service] {
  const { logs } = rackFiles(rack);
  const socket = publishSocket(rack, hostPort);
  const logFile = path.join(logs, `publish-${hostPort}.log`);
  const inner: Service = {
    name: `publish-${hostPort}-inner`,
    inNamespace: true,
    command: socat(
      `UNIX-LISTEN:${socket},fork,unlink-early,mode=600`,
      `TCP:${rack.controllerAddress}:${port}`,
    ),
    logFile,
    ready: () => existsSync(socket),
    failure: new LabError(`port ${port} could not be published`, `See ${logFile}.`),
  };
  const outer: Service = {
    name: `publish-${hostPort}`,
    inNamespace: false,
    command: socat(`TCP-LISTEN:${hostPort},bind=127.0.0.1,reuseaddr,fork`, `UNIX-CONNECT:${socket}`),
    logFile,
    ready: (pid) => isListening(pid, 'tcp', hostPort),
    failure: new LabError(
      `port ${hostPort} of this host is taken`,
      'Publish another port, or stop what listens there.',
    ),
  };
  return [inner, outer];
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

function publishSocket(rack: RackPlan, hostPort: number): string {
  return path.join(rack.dir, `publish-${hostPort}.sock`);
}
