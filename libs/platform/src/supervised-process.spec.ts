import { afterEach, describe, expect, it } from 'vitest';
import { SystemClock } from './clock.js';
import { type ProcessEnd, SupervisedProcess, type SupervisedProcessOptions } from './supervised-process.js';

/** Says `ready`, and `reload` for every SIGHUP, until it is told to end. */
const server = `trap 'echo reload' HUP; trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done`;
const clock = new SystemClock();
const processes: SupervisedProcess[] = [];
afterEach(() => Promise.all(processes.splice(0).map((process) => process.stop())));

function supervised(script: string, more: Partial<SupervisedProcessOptions> = {}) {
  const lines: string[] = [];
  const ends: ProcessEnd[] = [];
  const awaited = new Map<string, () => void>();
  const process = new SupervisedProcess({
    file: 'bash',
    args: ['-c', script],
    debianPackage: 'bash',
    clock,
    isReady: (line) => line === 'ready',
    onLine: (line) => {
      lines.push(line);
      awaited.get(line)?.();
    },
    onEnd: (end) => ends.push(end),
    firstRestartMs: 10,
    ...more,
  });
  processes.push(process);
  const said = (line: string) => new Promise<void>((resolve) => awaited.set(line, resolve));
  return { process, lines, ends, said };
}

const isAlive = (pid: number | null) => {
  try {
    return pid !== null && process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('a supervised process', () => {
  it('is started when it says that it is ready, and ended when stopped', async () => {
    const { process } = supervised(server);
    await process.start();
    const { pid } = process;
    expect(isAlive(pid)).toBe(true);
    await process.stop();
    expect(isAlive(pid)).toBe(false);
    expect(process.pid).toBeNull();
  });

  it('can open its standard output by name when it is connected through a pipe', async () => {
    const { process } = supervised(
      `trap 'exit 0' TERM; echo ready >/dev/stdout; while :; do sleep 0.01; done`,
      {
        throughPipe: true,
      },
    );
    await process.start();
    await process.stop();
    expect(process.pid).toBeNull();
  });

  it('is given signals', async () => {
    const { process, said } = supervised(server);
    await process.start();
    const reloaded = said('reload');
    process.signal('SIGHUP');
    await reloaded;
  });

  it('is started again when it dies', async () => {
    const { process, ends, said } = supervised(server);
    await process.start();
    const { pid } = process;
    const readyAgain = said('ready');
    process.signal('SIGKILL');
    await readyAgain;
    expect(process.pid).not.toBe(pid);
    expect(ends).toEqual([{ exitCode: null, signal: 'SIGKILL', lastLines: ['ready'], restartInMs: 10 }]);
  });

  it('is started again after pauses that grow', async () => {
    let enough = () => {};
    const diedFourTimes = new Promise<void>((resolve) => (enough = resolve));
    const ends: number[] = [];
    const onEnd = ({ restartInMs }: ProcessEnd) => {
      if (ends.push(restartInMs) === 4) enough();
    };
    const { process } = supervised('echo ready; exit 3', { onEnd, maxRestartMs: 5_000 });
    await process.start().catch(() => undefined);
    await diedFourTimes;
    expect(ends.slice(0, 4)).toEqual([10, 20, 40, 80]);
  });

  it('is killed when it does not end by itself', async () => {
    const { process } = supervised(`trap '' TERM; echo ready; while :; do sleep 0.01; done`, {
      stopGraceMs: 50,
    });
    await process.start();
    const { pid } = process;
    await process.stop();
    expect(isAlive(pid)).toBe(false);
  });

  it('is refused with its last words when it ends before it is ready', async () => {
    const { process, ends } = supervised('echo bad option >&2; exit 2');
    await expect(process.start()).rejects.toMatchObject({
      code: 'program-not-started',
      message: 'bash ended at once with exit code 2, saying: bad option',
    });
    expect(ends).toEqual([]);
  });

  it('is refused when it is not ready in time, and ended', async () => {
    const { process } = supervised('while :; do sleep 0.01; done', { readyTimeoutMs: 50 });
    await expect(process.start()).rejects.toThrow('not ready after 50 ms');
    expect(process.pid).toBeNull();
  });

  it('is named, with its package, when it is not installed', async () => {
    const { process } = supervised('', { file: 'no-such-program', debianPackage: 'no-such-package' });
    await expect(process.start()).rejects.toMatchObject({
      code: 'program-missing',
      remedy: 'install the Debian package no-such-package',
    });
  });
});
