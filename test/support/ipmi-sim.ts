import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '#platform';
import { execa } from 'execa';

export interface IpmiSimOptions {
  user?: string;
  password?: string;
  power?: 'on' | 'off';
  /** How long the power state that is read lags behind what was ordered. */
  settleMs?: number;
  /** The operating system of the machine pays no heed to ACPI. */
  ignoresSoftOff?: boolean;
  refusesBootDevice?: boolean;
  /** TCP, on loopback: where the serial line of the machine is; without it the BMC has no serial over LAN. */
  serialPort?: number;
  /** The UDP port of a BMC that is started again; any free one unless given. */
  port?: number;
}

/** One thing the BMC was told to do to its machine. */
interface ChassisOrder {
  atMs: number;
  what: 'power' | 'reset' | 'shutdown' | 'boot';
  value: string;
}

export interface IpmiSim {
  host: string;
  port: number;
  user: string;
  password: string;
  /** What the machine's power really is, not asked over IPMI. */
  powerState(): 'on' | 'off';
  /** Pulls the plug or presses the button, behind the controller's back. */
  setPowerState(state: 'on' | 'off'): void;
  /** What ipmi_sim calls it: none, pxe, default (the disk), cdrom, bios. */
  bootDevice(): string;
  orders(): ChassisOrder[];
  stop(): Promise<void>;
}

const host = '127.0.0.1';
const chassisScript = fileURLToPath(new URL('ipmi-sim-chassis.sh', import.meta.url));

/** A BMC on loopback, OpenIPMI's ipmi_sim, with an emulated chassis behind it. Ends with this process at the latest. */
export async function startIpmiSim(options: IpmiSimOptions = {}): Promise<IpmiSim> {
  const { user = 'admin', password = 'secret', power = 'off' } = options;
  const directory = mkdtempSync(path.join(tmpdir(), 'ipmi-sim-'));
  const removeDirectory = () => rmSync(directory, { recursive: true, force: true });
  process.once('exit', removeDirectory);
  const port = options.port ?? (await freePort());
  const chassis = path.join(directory, 'chassis');
  await copyFile(chassisScript, path.join(directory, 'chassis.sh'));
  await mkdir(path.join(directory, 'state'));
  await mkdir(chassis);
  const files = {
    'lan.conf': lanConfiguration({ port, user, password, serialPort: options.serialPort }),
    'sim.emu': controllerCommands,
    'chassis/power': power === 'on' ? '1\n' : '0\n',
    'chassis/power-before': '0\n',
    'chassis/settle-ms': `${options.settleMs ?? 0}\n`,
    'chassis/settled-at': '0\n',
    'chassis/boot': 'none\n',
    'chassis/log': '',
    ...(options.ignoresSoftOff && { 'chassis/ignores-soft-off': '' }),
    ...(options.refusesBootDevice && { 'chassis/refuses-boot-device': '' }),
  };
  await Promise.all(
    Object.entries(files).map(([name, content]) => writeFile(path.join(directory, name), content)),
  );
  // setpriv: the kernel ends ipmi_sim with this process, even when that is killed outright.
  const simulator = execa(
    'setpriv',
    ['--pdeathsig', 'KILL', 'ipmi_sim', '-n', '-c', 'lan.conf', '-f', 'sim.emu', '-s', 'state'],
    { cwd: directory, reject: false, all: true, buffer: { all: true }, forceKillAfterDelay: 1000 },
  );
  const stop = async () => {
    simulator.kill();
    await simulator;
    process.off('exit', removeDirectory);
    removeDirectory();
  };
  const ended = simulator.then((result) => {
    throw new Error(`ipmi_sim ended with ${result.exitCode ?? result.signal}: ${result.all}`);
  });
  try {
    await Promise.race([untilAnswering(port), ended]);
  } catch (error) {
    await stop();
    throw error;
  }
  ended.catch(() => undefined);
  const read = (name: string) => readFileSync(path.join(chassis, name), 'utf8').trim();
  return {
    host,
    port,
    user,
    password,
    powerState: () => (read('power') === '1' ? 'on' : 'off'),
    setPowerState: (state) => writeFileSync(path.join(chassis, 'power'), state === 'on' ? '1\n' : '0\n'),
    bootDevice: () => read('boot'),
    orders: () => read('log').split('\n').filter(Boolean).map(parseOrder),
    stop,
  };
}

interface LanConfiguration {
  port: number;
  user: string;
  password: string;
  serialPort: number | undefined;
}

function lanConfiguration(bmc: LanConfiguration): string {
  return `name "bmc"
set_working_mc 0x20
  startlan 1
    addr ${host} ${bmc.port}
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "sh chassis.sh chassis"
  ${bmc.serialPort === undefined ? '' : `sol "tcp:${host}:${bmc.serialPort}" 115200 nortscts`}
  user 1 false "" "" user 10
  user 2 true "${bmc.user}" "${bmc.password}" admin 10
`;
}

const controllerCommands = `mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
mc_enable 0x20
`;

function parseOrder(line: string): ChassisOrder {
  const [atMs, what, value] = line.split(' ');
  return { atMs: Number(atMs), what: what as ChassisOrder['what'], value: value ?? '' };
}

/** Get Channel Authentication Capabilities, which a BMC answers without a session (IPMI 2.0, 22.13). */
const capabilitiesRequest = Buffer.from('0600ff07000000000000000000092018c88100388e04b5', 'hex');

async function untilAnswering(port: number): Promise<void> {
  const socket = createSocket('udp4');
  socket.on('error', () => undefined); // nothing listens yet
  const answered = once(socket, 'message').then(() => true);
  try {
    for (let tries = 0; tries < 250; tries += 1) {
      socket.send(capabilitiesRequest, port, host);
      if (await Promise.race([answered, sleep(20, false)])) return;
    }
    throw new Error(`ipmi_sim does not answer on ${host}:${port}`);
  } finally {
    socket.close();
  }
}
