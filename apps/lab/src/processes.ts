import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const pollMs = 20;

/** The command line of a process, its arguments each followed by a NUL; empty when there is none or it is a zombie. */
function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/**
 * The process recorded in a pid file, if it is alive and the one that was started: its command line names the
 * rack's directory, which no process that took over the number does.
 */
export function recordedPid(pidFile: string, rackDir: string): number | undefined {
  let pid: number;
  try {
    pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10);
  } catch {
    return undefined;
  }
  return pid > 1 && commandLine(pid).includes(`${rackDir}/`) ? pid : undefined;
}

/** Gone, or a zombie. An empty command line says less: it is empty for a moment while a program replaces another. */
export function hasEnded(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return /^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return true;
  }
}

interface DetachedProcess {
  file: string;
  args: readonly string[];
  pidFile: string;
  logFile: string;
}

/** Starts a process that outlives this one, its output in a log file and its number in a pid file. */
export async function startDetached({ file, args, pidFile, logFile }: DetachedProcess): Promise<number> {
  const log = openSync(logFile, 'a', 0o600);
  try {
    const child = spawn(file, args, { detached: true, stdio: ['ignore', log, log] });
    await once(child, 'spawn');
    const pid = child.pid ?? 0;
    await writeFile(pidFile, `${pid}\n`);
    child.unref();
    return pid;
  } finally {
    closeSync(log);
  }
}

export async function recordedPids(pidDir: string, rackDir: string): Promise<number[]> {
  const files = await readdir(pidDir).catch(() => []);
  return files.flatMap((file) => recordedPid(path.join(pidDir, file), rackDir) ?? []);
}

export async function stopRecorded(pidFile: string, rackDir: string): Promise<void> {
  const pid = recordedPid(pidFile, rackDir);
  if (pid !== undefined) await endProcesses(() => Promise.resolve(hasEnded(pid) ? [] : [pid]), 2_000);
  await rm(pidFile, { force: true });
}

/** Asks the processes to end, and after `graceMs` kills those that are left, new ones included. */
export async function endProcesses(list: () => Promise<number[]>, graceMs: number): Promise<void> {
  signalAll(await list(), 'SIGTERM');
  const ended = await waitUntil(async () => (await list()).length === 0, graceMs);
  if (ended) return;
  await waitUntil(async () => {
    const left = await list();
    signalAll(left, 'SIGKILL');
    return left.length === 0;
  }, graceMs);
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
}

/** Whether the condition came true within the time. */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() >= deadline) return false;
    await delay(pollMs);
  }
  return true;
}
