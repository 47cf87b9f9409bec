import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError } from '#core';

/** When a process began, in clock ticks since boot (field 22 of proc_pid_stat(5)): tells it from a later one with its id. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

async function holderOf(lockFile: string): Promise<number | undefined> {
  const [pid, start] = (await readFile(lockFile, 'utf8')).trim().split(' ');
  return pid !== undefined && start !== undefined && (await startOf(Number(pid))) === start
    ? Number(pid)
    : undefined;
}

/**
 * The folder that one controller owns. Made when it is missing; a lock keeps a second controller out, and a
 * lock whose owner was killed is taken over.
 */
export class DataDirectory {
  private constructor(
    readonly path: string,
    private readonly lockFile: string,
  ) {}

  /** Throws DomainError `data-directory-in-use` that names the process which has it. */
  static async acquire(path: string): Promise<DataDirectory> {
    await mkdir(path, { recursive: true, mode: 0o755 });
    const lockFile = join(path, 'controller.lock');
    for (;;) {
      try {
        const handle = await open(lockFile, 'wx', 0o644);
        await handle.writeFile(`${process.pid} ${(await startOf(process.pid)) ?? ''}\n`);
        await handle.close();
        return new DataDirectory(path, lockFile);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        const holder = await holderOf(lockFile);
        if (holder !== undefined) throw inUse(path, holder);
        await rm(lockFile, { force: true });
      }
    }
  }

  /** A secret of this installation, made at the first call and kept in a file that only its owner reads. */
  async secret(name: string): Promise<Buffer> {
    const file = join(this.path, name);
    try {
      const handle = await open(file, 'wx', 0o600);
      await handle.writeFile(randomBytes(32));
      await handle.sync();
      await handle.close();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    return readFile(file);
  }

  async release(): Promise<void> {
    await rm(this.lockFile, { force: true });
  }
}

function inUse(path: string, holder: number): DomainError {
  return new DomainError(
    'data-directory-in-use',
    `The data directory ${path} belongs to the running process ${holder}.`,
    {
      remedy: `Stop that controller first, or start this one with another DODAI_DATA_DIR.`,
      context: { path, holder },
    },
  );
}
