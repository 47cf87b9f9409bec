import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ExecaProcessRunner, type RunOptions, type RunResult, Secret, SystemClock } from '#platform';
import {
  type BmcAddress,
  IpmitoolDriver,
  PowerControl,
  type PowerControlOptions,
  type PowerEvent,
} from '#power';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type IpmiSim, type IpmiSimOptions, startIpmiSim } from '../../support/ipmi-sim.js';
import { describePowerDriver } from '../../support/power-driver-conformance.js';

const cleanUps: (() => unknown)[] = [];
const running: IpmiSim[] = [];
let directory: string;
let driver: IpmitoolDriver;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'power-'));
  driver = new IpmitoolDriver(new ExecaProcessRunner(), { homeDirectory: path.join(directory, 'home') });
});
afterEach(async () => {
  await Promise.all([
    ...running.splice(0).map((sim) => sim.stop()),
    ...cleanUps.splice(0).map((end) => end()),
  ]);
});
afterAll(() => rm(directory, { recursive: true }));

const addressOf = ({ host, port, user, password }: IpmiSim): BmcAddress => ({
  host,
  port,
  user,
  password: new Secret(password),
  cipherSuite: 3,
});

async function startBmc(options?: IpmiSimOptions): Promise<{ sim: IpmiSim; bmc: BmcAddress }> {
  const sim = await startIpmiSim(options);
  running.push(sim);
  return { sim, bmc: addressOf(sim) };
}

/** A UDP port that takes every packet and answers none. */
async function silentPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  cleanUps.push(() => socket.close());
  return socket.address().port;
}

/** Runs the script given wherever ipmitool would run. */
class ImpostorRunner extends ExecaProcessRunner {
  constructor(private readonly script: string) {
    super({ killGraceMs: 200 });
  }

  override run(file: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
    return super.run('sh', ['-c', this.script, file, ...args], options);
  }
}

function impostor(script: string, options?: { timeoutMs: number }): IpmitoolDriver {
  return new IpmitoolDriver(new ImpostorRunner(script), {
    homeDirectory: path.join(directory, 'home'),
    ...options,
  });
}

describePowerDriver('IpmitoolDriver', () => ({
  driver,
  silent: { host: '127.0.0.1', port: 9 }, // closed: nothing here discards
  makeBmc: async () => {
    const sim = await startIpmiSim();
    return { ...sim, bmc: addressOf(sim) };
  },
}));

describe('IpmitoolDriver', () => {
  it('says that the BMC does not offer the cipher suite', async () => {
    const { bmc } = await startBmc();
    await expect(driver.status({ ...bmc, cipherSuite: 17 })).rejects.toMatchObject({
      code: 'bmc-wrong-cipher-suite',
      message: expect.stringContaining('cipher suite 17 (invalid authentication algorithm)'),
    });
  });

  it('says that the privilege of the user is too low, while the state may still be read', async () => {
    const { sim, bmc } = await startBmc();
    await expect(driver.on({ ...bmc, privilege: 'USER' })).rejects.toMatchObject({
      code: 'bmc-privilege',
      message: `BMC 127.0.0.1:${sim.port} was asked to switch the machine on: the privilege of the user admin is too low (Insufficient privilege level)`,
    });
    expect(await driver.status({ ...bmc, privilege: 'USER' })).toBe('off');
  });

  it('says that the BMC has no session left', async () => {
    const { bmc } = await startBmc();
    await takeAllSessions(bmc);
    await expect(driver.on(bmc)).rejects.toMatchObject({
      code: 'bmc-busy',
      retryable: true,
      context: { executed: false },
    });
  });

  it('says that the BMC refused, although ipmitool ends with 0', async () => {
    const { bmc } = await startBmc({ refusesBootDevice: true });
    const refused = driver.setBootDevice(bmc, 'network', { persistent: false, mode: 'bios' });
    await expect(refused).rejects.toMatchObject({ code: 'bmc-refused', retryable: false });
  });

  it('says that nothing has the name', async () => {
    const bmc = addressOf({ host: 'bmc.invalid', port: 623, user: 'u', password: 'p' } as IpmiSim);
    await expect(driver.status(bmc)).rejects.toMatchObject({ code: 'bmc-unreachable' });
  });

  it('gives up after 6 s on a port that takes every packet and answers none', async () => {
    const { bmc } = await startBmc();
    const startedAt = performance.now();
    await expect(driver.status({ ...bmc, port: await silentPort() })).rejects.toMatchObject({
      code: 'bmc-no-answer',
    });
    expect(performance.now() - startedAt).toBeLessThan(8000);
  });

  it('ends an ipmitool that hangs and pays no heed to SIGTERM', async () => {
    const { bmc } = await startBmc();
    const hanging = impostor(`trap '' TERM; while :; do sleep 1; done`, { timeoutMs: 300 });
    const startedAt = performance.now();
    await expect(hanging.reset(bmc)).rejects.toMatchObject({
      code: 'bmc-no-answer',
      context: { executed: 'unknown' },
    });
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });

  it('gives the password in the environment, never as an argument', async () => {
    const file = path.join(directory, 'seen');
    const { bmc } = await startBmc();
    await impostor(`{ echo "$*"; env; } > ${file}; exec ipmitool "$@"`).status(bmc);
    const [args, ...environment] = (await readFile(file, 'utf8')).split('\n');
    expect(args).not.toContain(bmc.password.reveal());
    expect(environment).toContain(`IPMI_PASSWORD=${bmc.password.reveal()}`);
  });
});

/** Asks for sessions and never logs in to them, until the BMC has none to give (IPMI 2.0, 13.17: RMCP+ Open Session). */
async function takeAllSessions({ host, port }: BmcAddress): Promise<void> {
  const header = '0600ff07061000000000000000002000';
  const algorithms = '000000080100000001000008010000000200000801000000';
  const socket = createSocket('udp4');
  cleanUps.push(() => socket.close());
  const noSessionLeft = 0x01;
  for (let session = 1; session <= 100; session += 1) {
    const id = session.toString(16).padStart(8, '0');
    socket.send(Buffer.from(`${header}00000000${id}${algorithms}`, 'hex'), port, host);
    const [answer] = (await once(socket, 'message')) as [Buffer];
    if (answer[17] === noSessionLeft) return;
  }
  throw new Error('the BMC has more sessions than it should');
}

describe('PowerControl with ipmitool', () => {
  const quick = { readBackMs: 50, gapMs: 20, minBackoffMs: 10 };
  const control = (options?: PowerControlOptions) =>
    new PowerControl(driver, new SystemClock(), { ...quick, ...options });

  it('sees the power off before it switches on, however long that takes', async () => {
    const { sim, bmc } = await startBmc({ power: 'on', settleMs: 400 });
    const events: PowerEvent[] = [];
    const power = control({ onCommand: (event) => events.push(event) });
    expect(await power.ensure(bmc, 'off', { timeoutMs: 10_000 })).toEqual({ changed: true });
    expect(await power.ensure(bmc, 'on', { timeoutMs: 10_000 })).toEqual({ changed: true });
    expect(await power.ensure(bmc, 'on', { timeoutMs: 10_000 })).toEqual({ changed: false });
    const [off, on] = sim.orders();
    expect([off?.value, on?.value]).toEqual(['0', '1']);
    expect(on!.atMs - off!.atMs).toBeGreaterThan(400);
    const looks = events.filter(({ verb }) => verb === 'status').map(({ power: state }) => state);
    expect(looks.slice(0, 2)).toEqual(['on', 'on']);
    expect(looks.at(-1)).toBe('on');
    expect(events.every(({ bmcPort, result }) => bmcPort === sim.port && result === 'ok')).toBe(true);
  });

  it('lets the operating system shut down', async () => {
    const { sim, bmc } = await startBmc({ power: 'on' });
    const limits = { softTimeoutMs: 5000, timeoutMs: 5000 };
    expect(await control().shutDown(bmc, limits)).toBe('soft');
    expect(await control().shutDown(bmc, limits)).toBe('was-off');
    expect(sim.orders().map(({ what }) => what)).toEqual(['shutdown']);
  });

  it('cuts the power of a machine that does not shut down', async () => {
    const { sim, bmc } = await startBmc({ power: 'on', ignoresSoftOff: true });
    expect(await control().shutDown(bmc, { softTimeoutMs: 200, timeoutMs: 5000 })).toBe('hard');
    expect(sim.orders().map(({ what }) => what)).toEqual(['shutdown', 'power']);
    expect(sim.powerState()).toBe('off');
  });

  it('sends one command at a time to a BMC, spaced', async () => {
    const { bmc } = await startBmc();
    const log = path.join(directory, 'times');
    const timed = impostor(`date +'start %s%3N' >> ${log}; ipmitool "$@"; date +'end %s%3N' >> ${log}`);
    const power = new PowerControl(timed, new SystemClock(), { ...quick, gapMs: 50, concurrency: 8 });
    await Promise.all(Array.from({ length: 6 }, () => power.status(bmc)));
    const entries = (await readFile(log, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => line.split(' '));
    expect(entries.map(([what]) => what)).toEqual(Array.from({ length: 6 }, () => ['start', 'end']).flat());
    const gaps = entries.flatMap(([what, atMs], index) =>
      what === 'start' && index > 0 ? [Number(atMs) - Number(entries[index - 1]![1])] : [],
    );
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(50);
  });

  it('is not slowed by the dead three in ten', async () => {
    const alive = await Promise.all(Array.from({ length: 7 }, () => startBmc()));
    const dead = await Promise.all(Array.from({ length: 3 }, () => silentPort()));
    const power = control({ concurrency: 2, handOnAfterMs: 100, retries: 0 });
    const startedAt = performance.now();
    const abort = new AbortController();
    const unanswered = dead.map((port) =>
      power.status({ ...alive[0]!.bmc, port }, { signal: abort.signal }).catch((error: unknown) => error),
    );
    await Promise.all(alive.map(({ bmc }) => power.status(bmc)));
    expect(performance.now() - startedAt).toBeLessThan(3000); // a dead BMC takes 6 s, and all three were asked first
    abort.abort(new Error('enough'));
    await Promise.all(unanswered);
  });
});
