import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DomainError, type ImageProgress } from '#core';
import type { ImageLimits, ProcessRunner, RunOptions, RunResult } from '#platform';
import { z } from 'zod';
import { checkSize } from '../intake/import-checks.js';
import { diskFull } from '../disk-full.js';
import { shown } from '../kinds/kind.js';
import type { Room } from '../room.js';
import { lastPercent, percentage } from './qemu-percentage.js';

/** A disk image that was recognised. */
interface Container {
  file: string;
  /** The format, by qemu-img's name for it. */
  driver: string;
  /** With its article. */
  called: string;
}

/** Of `qemu-img info --output=json`, what is asked about. */
const info = z.object({
  'virtual-size': z.number(),
  'backing-filename': z.string().optional(),
  encrypted: z.boolean().optional(),
  'format-specific': z
    .object({ data: z.object({ 'data-file': z.string().optional(), corrupt: z.boolean().optional() }) })
    .optional()
    .catch(undefined),
});

/** What qemu-img check exits with (its manual): leaked clusters only cost space, and some formats have nothing to check. */
const sound = new Set<number | null>([0, 3, 63]);

export interface Following {
  signal: AbortSignal | undefined;
  onProgress: (progress: ImageProgress) => void;
}

/** It reads what strangers made, so that a flaw in it must not take the host along. */
const memoryBytes = 2 * 1024 ** 3;

/**
 * qemu-img, held short: it is told the format and never guesses it, opens no file but the one it is given, and has
 * bounds of memory, time and of what it may write.
 */
export class QemuImg {
  constructor(
    private readonly runner: ProcessRunner,
    private readonly limits: ImageLimits,
    private readonly room: Room,
  ) {}

  /**
   * Writes the disk that is in an image to a sparse file. Throws DomainError `image-invalid`, `image-too-large` or
   * `disk-full`.
   */
  async toRaw(container: Container, target: string, { signal, onProgress }: Following): Promise<void> {
    const source = sourceOf(container);
    const described = await this.run(['info', '--output=json', source], 0, { signal });
    if (described.exitCode !== 0) throw unreadable(container, described);
    const found = info.parse(JSON.parse(described.stdout));
    this.checkInfo(container, found);
    const tell = toldInBytes(found['virtual-size'], onProgress);
    tell('(0/100%)');
    const checked = await this.run(['check', '-q', source], 0, { signal });
    if (!sound.has(checked.exitCode)) throw unreadable(container, checked);
    await this.makeTarget(target, found['virtual-size']);
    const args = ['convert', '-p', '-n', '--target-is-zero', '-O', 'raw', source, target];
    const converted = await this.run(args, this.limits.maxBytes, { signal, onStdout: tell });
    if (/No space left|Disk quota exceeded/.test(converted.stderr)) throw diskFull(dirname(dirname(target)));
    if (converted.exitCode !== 0) throw unreadable(container, converted);
  }

  /** By itself it would begin with a file of its own, without the room that is allocated for it. */
  private async makeTarget(target: string, bytes: number): Promise<void> {
    await this.room.allocate(target, bytes);
    const file = await open(target, 'a');
    try {
      await file.truncate(bytes);
    } finally {
      await file.close();
    }
  }

  private checkInfo({ called }: Container, found: z.output<typeof info>): void {
    const bytes = found['virtual-size'];
    checkSize(`it is ${called} of ${bytes} bytes`, bytes, this.limits.maxBytes);
    const needs = found['backing-filename'] ?? found['format-specific']?.data['data-file'];
    const fault =
      (needs !== undefined && `needs another file (${shown(needs)})`) ||
      (found.encrypted && 'is encrypted') ||
      (found['format-specific']?.data.corrupt && 'is marked as damaged');
    if (!fault) return;
    throw new DomainError('image-invalid', `The image cannot be installed: it is ${called}, and ${fault}.`, {
      remedy:
        'Put all of it into one plain file (qemu-img convert -O qcow2 FILE whole.qcow2), and send that.',
      context: { field: 'body' },
    });
  }

  private async run(
    args: readonly string[],
    writtenBytes: number,
    how: Pick<RunOptions, 'signal' | 'onStdout'>,
  ): Promise<RunResult> {
    const bounds = [`--as=${memoryBytes}`, `--fsize=${writtenBytes}`, '--core=0'];
    const result = await this.runner.run('prlimit', [...bounds, 'qemu-img', ...args], {
      env: { MALLOC_ARENA_MAX: '2', LC_ALL: 'C' }, // or each thread reserves 64 MiB of addresses
      timeoutMs: this.limits.convertMs,
      ...how,
    });
    if (result.timedOut) throw tooSlow(this.limits.convertMs);
    if (/failed to execute qemu-img/.test(result.stderr)) throw missing();
    return result;
  }
}

/** For what it prints; the last of several percentages counts. */
function toldInBytes(totalBytes: number, onProgress: Following['onProgress']): (printed: string) => void {
  return (printed) => {
    const percent = lastPercent(printed);
    if (percent === undefined) return;
    const doneBytes = Math.floor((totalBytes * percent) / 100);
    onProgress({ stage: 'convert', doneBytes, totalBytes });
  };
}

/** QEMU, qapi/block-core.json, BlockdevOptions: with a driver for each layer nothing is guessed, and no backing file opened. */
function sourceOf({ file, driver }: Container): string {
  const options = {
    driver,
    file: { driver: 'file', filename: file },
    backing: null,
    // The size that its footer has; the geometry beside it is only near it.
    ...(driver === 'vpc' && { force_size_calc: 'current_size' }),
  };
  return `json:${JSON.stringify(options)}`;
}

function unreadable({ called }: Container, { exitCode, stderr, stdout }: RunResult): DomainError {
  const said = (stderr || stdout.replace(percentage, ''))
    .replace(/^qemu-img: (Could not open '.*?': )?/, '')
    .replace(/'?json:\{.*\}\}?'?/g, 'it');
  const why = shown(said, 200) || (exitCode === null ? 'qemu-img was killed' : `exit code ${exitCode}`);
  return new DomainError('image-invalid', `The image is ${called} that qemu-img cannot read: ${why}`, {
    remedy:
      'It is damaged, or was cut short. Test it where it comes from (qemu-img check), and send it again.',
    context: { field: 'body' },
  });
}

function tooSlow(limitMs: number): DomainError {
  return new DomainError(
    'image-invalid',
    `The disk image was not converted within ${limitMs / 1000} seconds, which is as long as this controller waits.`,
    {
      remedy:
        'Convert it first (qemu-img convert -O raw FILE disk.raw), or set DODAI_IMAGE_CONVERT_S higher.',
      context: { field: 'body', setting: 'DODAI_IMAGE_CONVERT_S' },
    },
  );
}

function missing(): DomainError {
  return new DomainError('program-missing', 'qemu-img was to run, but is not installed on this host', {
    remedy: 'install the Debian package qemu-utils',
  });
}
