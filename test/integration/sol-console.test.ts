import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ExecaProcessRunner, Secret, StreamingProcesses, SystemClock } from '#platform';
import { type BmcAddress, IpmitoolDriver, PowerControl, SolConsole } from '#power';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type IpmiSim, type IpmiSimOptions, startIpmiSim } from '../support/ipmi-sim.js';
import { SerialLine } from '../support/serial-line.js';

const clock = new SystemClock();
const runner = new ExecaProcessRunner();
const sims: IpmiSim[] = [];
let homeDirectory: string;
let source: SolConsole;
let line: SerialLine;
let abort: AbortController;

beforeAll(async () => {
  homeDirectory = await mkdtemp(path.join(tmpdir(), 'sol-'));
  source = new SolConsole(new StreamingProcesses(), runner, { homeDirectory, clock });
});
beforeEach(async () => {
  line = await SerialLine.open();
  abort = new AbortController();
});
afterEach(async () => {
  abort.abort();
  await Promise.all([...sims.splice(0).map((sim) => sim.stop()), line.close()]);
});
afterAll(() => rm(homeDirectory, { recursive: true }));

async function startBmc(options?: IpmiSimOptions): Promise<BmcAddress> {
  const sim = await startIpmiSim(options);
  sims.push(sim);
  const { host, port, user, password } = sim;
  return { host, port, user, password: new Secret(password), cipherSuite: 3 };
}

const open = (bmc: BmcAddress, takeOver = false) => source.open(bmc, { signal: abort.signal, takeOver });

/** Reads on until this has come, and answers all since the last call. */
function reader(text: AsyncIterable<string>) {
  const pieces = text[Symbol.asyncIterator]();
  return async (awaited: string): Promise<string> => {
    let seen = '';
    while (!seen.includes(awaited)) {
      const { value, done } = await pieces.next();
      if (done) throw new Error(`the console ended after ${JSON.stringify(seen)}`);
      seen += value;
    }
    return seen;
  };
}

/** The arguments and environments of the ipmitools that talk to this BMC. */
async function ipmitools({ port }: BmcAddress): Promise<{ args: string; environment: string }[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const read = (pid: string, file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
  const all = await Promise.all(
    pids.map(async (pid) => ({
      args: (await read(pid, 'cmdline')).replaceAll('\0', ' '),
      environment: await read(pid, 'environ'),
    })),
  );
  return all.filter(({ args }) => args.startsWith('ipmitool ') && args.includes(` -p ${port} `));
}

describe('SolConsole', () => {
  it('hears what the machine says, as plain text', async () => {
    const bmc = await startBmc({ serialPort: line.port });
    const read = reader(await open(bmc));
    await line.say('\u001B[2J\u001B[1;1HSeaBIOS\r\n\0\u001B[31mBooting\u001B[0m from network ...\r\n');
    expect(await read('network ...\n')).toBe('\n\nSeaBIOS\nBooting from network ...\n');
    await line.say(`${'x'.repeat(100_000)}\r\nend`);
    expect((await read('end')).length).toBe(100_004);
  });

  it('is ended by its signal, at once, and leaves neither a process nor a session behind', async () => {
    const bmc = await startBmc({ serialPort: line.port });
    const read = reader(await open(bmc));
    await line.say('hello\n');
    await read('hello');
    const [ipmitool] = await ipmitools(bmc);
    expect(ipmitool?.args).not.toContain(bmc.password.reveal());
    expect(ipmitool?.environment).toContain(`IPMI_PASSWORD=${bmc.password.reveal()}`);
    const ending = read('more');
    abort.abort();
    await expect(ending).rejects.toThrow('the console ended');
    expect(await ipmitools(bmc)).toEqual([]);
    abort = new AbortController();
    await open(bmc).then((text) => reader(text)); // nothing holds the console any more
  });

  it('ends its ipmitool when its reader reads no more', async () => {
    const bmc = await startBmc({ serialPort: line.port });
    const text = await open(bmc);
    await line.say('hello\n');
    for await (const piece of text) if (piece.includes('hello')) break;
    expect(await ipmitools(bmc)).toEqual([]);
  });

  it('does not stand in the way of power commands', async () => {
    const bmc = await startBmc({ serialPort: line.port });
    const read = reader(await open(bmc));
    const power = new PowerControl(new IpmitoolDriver(runner, { homeDirectory }), clock, { readBackMs: 50 });
    expect(await power.ensure(bmc, 'on', { timeoutMs: 10_000 })).toEqual({ changed: true });
    await line.say('switched on\n');
    expect(await read('switched on')).toContain('switched on');
    expect(await power.ensure(bmc, 'off', { timeoutMs: 10_000 })).toEqual({ changed: true });
    await line.say('still there\n');
    await read('still there');
  });

  it('is refused while another session holds the console, unless that one is to be taken over', async () => {
    const bmc = await startBmc({ serialPort: line.port });
    await open(bmc);
    await expect(open(bmc)).rejects.toMatchObject({ code: 'console-taken', retryable: true });
    const read = reader(await open(bmc, true));
    await line.say('mine now\n');
    await read('mine now');
  });

  it('is lost when the BMC starts again, and can then be opened again', async () => {
    const bmc = await startBmc({ serialPort: line.port });
    const read = reader(await open(bmc));
    await line.say('before\n');
    await read('before');
    await sims.pop()?.stop();
    await startBmc({ serialPort: line.port, port: bmc.port });
    await expect(read('never')).rejects.toMatchObject({ code: 'console-lost', retryable: true });
    const again = reader(await open(bmc));
    await line.say('after\n');
    await again('after');
  }, 120_000);
});

describe('a console that cannot be opened', () => {
  it('because the BMC has no serial over LAN', async () => {
    await expect(open(await startBmc())).rejects.toMatchObject({
      code: 'bmc-refused',
      retryable: false,
      message: expect.stringContaining('was asked to show the serial console: it refused (Invalid command)'),
      remedy: expect.stringContaining('enable serial over LAN'),
    });
  });

  it('because the password is wrong', async () => {
    const bmc = await startBmc({ serialPort: line.port });
    await expect(open({ ...bmc, password: new Secret('wrong') })).rejects.toMatchObject({
      code: 'bmc-wrong-credentials',
    });
  });

  it('because nothing answers', async () => {
    const bmc = { host: '127.0.0.1', port: 9, user: 'u', password: new Secret('p'), cipherSuite: 3 } as const;
    await expect(open(bmc)).rejects.toMatchObject({ code: 'bmc-no-answer' });
  });

  it('because it was aborted meanwhile', async () => {
    const bmc = await startBmc({ serialPort: line.port });
    const opening = open(bmc);
    abort.abort(new Error('enough'));
    await expect(opening).rejects.toThrow('enough');
  });
});
