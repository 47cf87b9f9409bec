import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '#platform';
import { execa, type ResultPromise } from 'execa';
import { expect } from 'vitest';

/** A disk that a real tgtd exports at a port of loopback. */
export class IscsiTarget {
  readonly name = 'iqn.2026-01.internal.test:disk';
  readonly user = 'dodai';

  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly daemon: ResultPromise<{ reject: false }>,
  ) {}

  /** @param backing the file or device; `letsIn`: the address of who may come */
  static async start(
    backing: string,
    { secret, letsIn = '127.0.0.1' }: { secret: string; letsIn?: string },
  ): Promise<IscsiTarget> {
    const folder = await mkdtemp(join(tmpdir(), 'dodai-tgtd-'));
    const port = await freePort();
    const env = { TGT_IPC_SOCKET: join(folder, 'socket') };
    const daemon = execa('tgtd', ['--foreground', '--iscsi', `portal=127.0.0.1:${port}`], {
      env,
      reject: false,
    });
    const target = new IscsiTarget(port, folder, daemon);
    const tell = (...args: string[]) => execa('tgtadm', ['--lld', 'iscsi', '--tid', '1', ...args], { env });
    const isUp = async () =>
      (await execa('tgtadm', ['--mode', 'system', '--op', 'show'], { env, reject: false })).exitCode;
    await expect.poll(isUp, { timeout: 10_000 }).toBe(0);
    await tell('--mode', 'target', '--op', 'new', '--targetname', target.name);
    await tell('--mode', 'logicalunit', '--op', 'new', '--lun', '1', '--backing-store', backing);
    await execa(
      'tgtadm',
      [
        ...['--lld', 'iscsi', '--mode', 'account', '--op', 'new'],
        ...['--user', target.user, '--password', secret],
      ],
      { env },
    );
    await tell('--mode', 'account', '--op', 'bind', '--user', target.user);
    await tell('--mode', 'target', '--op', 'bind', '--initiator-address', letsIn);
    return target;
  }

  /** It is there, and answers nothing any more. */
  freeze(): void {
    this.daemon.kill('SIGSTOP');
  }

  async stop(): Promise<void> {
    this.daemon.kill('SIGKILL');
    await this.daemon;
    await rm(this.folder, { recursive: true });
  }
}
