import { rm, writeFile } from 'node:fs/promises';
import { DomainError } from '#core';
import type { Clock, Secret, StreamingProcesses } from '#platform';
import { lastPercent } from '../content/qemu-percentage.js';
import { refusalOf } from './remote-disk-refusals.js';

/** A disk that a machine exports over iSCSI, and how to prove that one may write to it (CHAP). */
export interface RemoteDisk {
  address: string;
  port: number;
  /** The name of the target. */
  target: string;
  user: string;
  secret: Secret;
}

interface Following {
  signal: AbortSignal;
  /** Percent of what is to be written. */
  onProgress: (percent: number) => void;
}

/** The only one of a target; tgt keeps 0 for itself. */
const lun = 1;
/** For one command: a kernel takes half a minute to find that a disk hangs, and then resets it and tries again. */
const commandSeconds = 180;

/** Writes files to disks that machines export, by QEMU's iSCSI initiator: it is a part of qemu-img, and the kernel has none of it. */
export class RemoteDisks {
  constructor(
    private readonly processes: StreamingProcesses,
    private readonly clock: Clock,
    /** How long a disk may take nothing. */
    private readonly stallMs: number,
  ) {}

  /**
   * Writes all of a sparse file to the beginning of a disk that reads as zeros there: where the file is zeros nothing is sent.
   * Throws DomainError `disk-not-written` or `program-missing`.
   */
  async write(file: string, disk: RemoteDisk, following: Following): Promise<void> {
    const secretFile = `${file}.${disk.target.replaceAll('/', '_')}.secret`;
    await writeFile(secretFile, disk.secret.reveal(), { mode: 0o600 });
    try {
      await this.convert(qemuImg(file, disk, secretFile), disk, following);
    } finally {
      await rm(secretFile, { force: true });
    }
  }

  /** A connection that is lost is tried again without end by the initiator, so that it is ended here. */
  private async convert(command: readonly string[], disk: RemoteDisk, following: Following): Promise<void> {
    const stalled = new AbortController();
    const watch = () => this.clock.setTimeout(() => stalled.abort(), this.stallMs);
    let timer = watch();
    const signal = AbortSignal.any([following.signal, stalled.signal]);
    const qemu = this.processes.start('setpriv', ['--pdeathsig', 'KILL', '--', ...command], signal);
    qemu.stdin.end();
    try {
      for await (const printed of qemu.stdout.setEncoding('utf8') as AsyncIterable<string>) {
        const percent = lastPercent(printed);
        if (percent === undefined) continue;
        timer.cancel();
        timer = watch();
        following.onProgress(percent);
      }
      const { exitCode, stderr } = await qemu.ended;
      following.signal.throwIfAborted();
      if (stalled.signal.aborted) throw takesNothing(disk, this.stallMs);
      if (exitCode !== 0) throw refusalOf(disk, stderr || `qemu-img ended with ${exitCode ?? 'a signal'}`);
    } finally {
      timer.cancel();
    }
  }
}

function qemuImg(file: string, { address, port, target, user }: RemoteDisk, secretFile: string): string[] {
  const image = { driver: 'raw', file: { driver: 'file', filename: file } };
  const disk = {
    driver: 'iscsi',
    transport: 'tcp',
    portal: address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
    target,
    lun: String(lun),
    user,
    'password-secret': 'chap',
    timeout: String(commandSeconds),
  };
  const options = Object.entries(disk).map(([name, value]) => `${name}=${value.replaceAll(',', ',,')}`);
  return [
    ...['qemu-img', 'convert', '-p', '-n', '--target-is-zero', '-t', 'none'],
    ...['--object', `secret,id=chap,file=${secretFile.replaceAll(',', ',,')}`],
    ...['--target-image-opts', `json:${JSON.stringify(image)}`, options.join(',')],
  ];
}

function takesNothing({ address, port }: RemoteDisk, stallMs: number): DomainError {
  return new DomainError(
    'disk-not-written',
    `The disk at ${address} port ${port} has taken nothing for ${stallMs / 1000} seconds.`,
    {
      remedy:
        'See whether the machine is up, its network and its disk in order, and no firewall ends connections of long standing; then retry.',
    },
  );
}
