import { basename } from 'node:path';
import type { CliIo } from '../cli-io.js';
import type { TransferProgress } from '../image-work.js';
import type { Output } from '../output.js';
import { type LiveRegion, liveRegion } from './live-region.js';
import { bar, bytes, duration } from './quantities.js';

const repaintMs = 100;

/** What the controller does, before how far it is with it; that it comes is seen. */
const words: Record<TransferProgress['stage'], string> = {
  send: '',
  fetch: '',
  convert: 'converting  ',
  check: 'looking into it  ',
  pack: 'storing  ',
  unpack: 'unpacking  ',
};

/** `debian-12.ext4.zst  ████████░░░░  62 %  102 MB of 164 MB  48.1 MB/s  1s left`; `seconds`: since the stage began. */
export function transferLine(
  name: string,
  { stage, doneBytes, totalBytes }: TransferProgress,
  seconds: number,
): string {
  const bytesPerSecond = seconds > 0 ? doneBytes / seconds : 0;
  const doing = `${name}  ${words[stage]}`;
  if (totalBytes === null && doneBytes === 0) return `${doing}${duration(seconds)}`;
  if (totalBytes === null) return `${doing}${bytes(doneBytes)}  ${bytes(bytesPerSecond)}/s`;
  const fraction = totalBytes === 0 ? 1 : doneBytes / totalBytes;
  if (doneBytes >= totalBytes && (stage === 'send' || stage === 'fetch'))
    return `${doing}${bar(1, 24)}  complete; the controller checks and stores it …`;
  const percent = `${String(Math.floor(fraction * 100)).padStart(3)} %`;
  const left = bytesPerSecond > 0 ? `${duration((totalBytes - doneBytes) / bytesPerSecond)} left` : '';
  const amount = `${bytes(doneBytes)} of ${bytes(totalBytes)}`;
  return `${doing}${bar(fraction, 24)} ${percent}  ${amount}  ${bytes(bytesPerSecond)}/s  ${left}`;
}

/** Goes to stderr, so that the result on stdout stays clean. */
export function showTransfer(output: Output, io: CliIo, file: string) {
  if (output.json || !io.stderr.isTTY) return { update: () => {}, close: () => {} };
  return new TransferBar(liveRegion(io.stderr), basename(file), () => io.now().getTime());
}

class TransferBar {
  #stage: TransferProgress['stage'] | undefined;
  #startedMs = 0;
  #paintedMs = 0;

  constructor(
    private readonly region: LiveRegion,
    private readonly name: string,
    private readonly nowMs: () => number,
  ) {}

  readonly update = (progress: TransferProgress): void => {
    const nowMs = this.nowMs();
    const isLast = progress.doneBytes === progress.totalBytes;
    const isFirst = progress.stage !== this.#stage;
    if (!isLast && !isFirst && nowMs - this.#paintedMs < repaintMs) return;
    if (isFirst) this.#startedMs = nowMs;
    this.#stage = progress.stage;
    this.#paintedMs = nowMs;
    this.region.show(transferLine(this.name, progress, (nowMs - this.#startedMs) / 1000));
  };

  close(): void {
    this.region.clear();
  }
}
