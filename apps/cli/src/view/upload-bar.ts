import { basename } from 'node:path';
import type { CliIo } from '../cli-io.js';
import type { TransferProgress } from '../image-upload.js';
import type { Output } from '../output.js';
import { type LiveRegion, liveRegion } from './live-region.js';
import { bar, bytes, duration } from './quantities.js';

const repaintMs = 100;

/** `debian-12.ext4.zst  ████████░░░░  62 %  102 MB of 164 MB  48.1 MB/s  1s left` */
export function uploadLine(
  name: string,
  { sentBytes, totalBytes }: TransferProgress,
  seconds: number,
): string {
  const bytesPerSecond = seconds > 0 ? sentBytes / seconds : 0;
  if (totalBytes === null) return `${name}  ${bytes(sentBytes)}  ${bytes(bytesPerSecond)}/s`;
  const fraction = totalBytes === 0 ? 1 : sentBytes / totalBytes;
  const percent = `${String(Math.floor(fraction * 100)).padStart(3)} %`;
  if (sentBytes >= totalBytes)
    return `${name}  ${bar(1, 24)}  complete; the controller checks and stores it …`;
  const left = bytesPerSecond > 0 ? `${duration((totalBytes - sentBytes) / bytesPerSecond)} left` : '';
  const amount = `${bytes(sentBytes)} of ${bytes(totalBytes)}`;
  return `${name}  ${bar(fraction, 24)} ${percent}  ${amount}  ${bytes(bytesPerSecond)}/s  ${left}`;
}

/** Goes to stderr, so that the result on stdout stays clean. */
export function showUpload(output: Output, io: CliIo, file: string) {
  if (output.json || !io.stderr.isTTY) return { update: () => {}, close: () => {} };
  return new UploadBar(liveRegion(io.stderr), basename(file), () => io.now().getTime());
}

class UploadBar {
  readonly #startedMs: number;
  #paintedMs = 0;

  constructor(
    private readonly region: LiveRegion,
    private readonly name: string,
    private readonly nowMs: () => number,
  ) {
    this.#startedMs = nowMs();
  }

  readonly update = (progress: TransferProgress): void => {
    const nowMs = this.nowMs();
    const isLast = progress.sentBytes === progress.totalBytes;
    if (!isLast && nowMs - this.#paintedMs < repaintMs) return;
    this.#paintedMs = nowMs;
    this.region.show(uploadLine(this.name, progress, (nowMs - this.#startedMs) / 1000));
  };

  close(): void {
    this.region.clear();
  }
}
