import type { Clock, ClockTimer } from '#platform';

const longestMs = 1000;
const fullChars = 4096;

/** Gathers the text of a console, so that not every line is a row: it is written when a second is over or 4 KiB are together. */
export class ConsoleBatch {
  private text = '';
  private timer: ClockTimer | undefined;
  private writing: Promise<void> = Promise.resolve();

  /** @param write is called with one batch after another, and must not throw */
  constructor(
    private readonly clock: Clock,
    private readonly write: (text: string) => Promise<void>,
  ) {}

  /** Resolves when more may come: whoever sends faster than it can be written waits. */
  async add(text: string): Promise<void> {
    this.text += text;
    if (this.text.length >= fullChars) await this.flush();
    else if (this.text !== '') this.timer ??= this.clock.setTimeout(() => void this.flush(), longestMs);
  }

  /** Resolves when all that was added is written. */
  flush(): Promise<void> {
    this.timer?.cancel();
    this.timer = undefined;
    const { text } = this;
    this.text = '';
    if (text !== '') this.writing = this.writing.then(() => this.write(text));
    return this.writing;
  }
}
