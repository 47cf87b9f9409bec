import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ExecaProcessRunner } from './execa-process-runner.js';

const runner = new ExecaProcessRunner({ killGraceMs: 100 });
const shell = (script: string, options: Partial<Parameters<typeof runner.run>[2]> = {}) =>
  runner.run('sh', ['-c', script], { timeoutMs: 10_000, ...options });

/** Whether it runs: a zombie that nobody has reaped does not. */
function isAlive(pid: number): boolean {
  const stat = `/proc/${pid}/stat`;
  return existsSync(stat) && !readFileSync(stat, 'utf8').includes(') Z ');
}

describe('ExecaProcessRunner', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'process-runner-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  it('gives back the output and the exit code of a program that fails', async () => {
    const result = await shell('echo out; echo err >&2; exit 3');
    expect(result).toMatchObject({ exitCode: 3, stdout: 'out\n', stderr: 'err\n', timedOut: false });
  });

  it('gives the program exactly the environment it was told, and PATH', async () => {
    process.env.LEAKED = 'yes';
    const result = await runner.run('env', [], { timeoutMs: 10_000, env: { GIVEN: '1' } });
    delete process.env.LEAKED;
    expect(result.stdout.trim().split('\n').sort()).toEqual(['GIVEN=1', `PATH=${process.env.PATH}`]);
  });

  it('feeds the input, and an empty one by default', async () => {
    expect((await runner.run('cat', [], { timeoutMs: 10_000, input: 'fed' })).stdout).toBe('fed');
    expect((await runner.run('cat', [], { timeoutMs: 10_000 })).stdout).toBe('');
  });

  it('runs in the directory it is told', async () => {
    expect((await shell('pwd', { cwd: directory })).stdout.trim()).toBe(directory);
  });

  it('ends a program at its timeout', async () => {
    const result = await runner.run('sleep', ['60'], { timeoutMs: 50 });
    expect(result).toMatchObject({ exitCode: null, signal: 'SIGTERM', timedOut: true });
    expect(result.durationMs).toBeLessThan(5000);
  });

  it('kills a program that ignores SIGTERM, and all that it started', async () => {
    const result = await shell(`trap '' TERM; sleep 60 & echo $!; wait; while :; do sleep 1; done`, {
      timeoutMs: 200,
    });
    expect(result).toMatchObject({ signal: 'SIGKILL', timedOut: true });
    await expect.poll(() => isAlive(Number(result.stdout))).toBe(false);
  });

  it('does not wait for a descendant that left the group and holds the output open', async () => {
    const result = await shell(`setsid sh -c 'echo $$; exec sleep 60' & wait`, { timeoutMs: 200 });
    process.kill(Number(result.stdout));
    expect(result.timedOut).toBe(true);
    expect(result.durationMs).toBeLessThan(5000);
  });

  it('ends the program and rejects with the reason when the caller aborts', async () => {
    const abort = new AbortController();
    const run = runner.run('sleep', ['60'], { timeoutMs: 10_000, signal: abort.signal });
    abort.abort(new Error('no longer wanted'));
    await expect(run).rejects.toThrow('no longer wanted');
  });

  it('names the Debian package of a program that is not installed', async () => {
    const run = runner.run('qemu-img', [], { timeoutMs: 1000, env: { PATH: directory } });
    await expect(run).rejects.toMatchObject({
      code: 'program-missing',
      remedy: 'install the Debian package qemu-utils',
    });
  });

  it('tells a missing directory from a missing program', async () => {
    const cwd = path.join(directory, 'gone');
    await expect(shell('true', { cwd })).rejects.toMatchObject({ code: 'program-not-started' });
  });
});
