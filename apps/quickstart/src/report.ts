import { styleText } from 'node:util';
import Table from 'cli-table3';

interface StageTime {
  title: string;
  seconds: number;
}

interface Screen {
  write(text: string): unknown;
  isTTY?: boolean;
}

const secondsSince = (startMs: number) => (performance.now() - startMs) / 1000;
const shown = (seconds: number) => `${seconds.toFixed(1)} s`.padStart(8);

/** What the quickstart says while it works, and the table of stages at its end. */
export class Report {
  private readonly startMs = performance.now();
  private readonly times: StageTime[] = [];
  private transientShown = false;

  constructor(private readonly screen: Screen) {}

  /** Runs a stage and prints how long it took; the work may give a word on how it went. */
  async stage<T>(title: string, work: () => Promise<T>, outcome?: (result: T) => string): Promise<T> {
    const startMs = performance.now();
    this.passing(`${title} …`);
    try {
      const result = await work();
      this.finished(title, secondsSince(startMs), outcome?.(result));
      return result;
    } catch (error) {
      this.line(`${this.paint('red', 'FAILED')}  ${title} ${shown(secondsSince(startMs))}`);
      throw error;
    }
  }

  /** Records and prints a stage whose time was measured elsewhere. */
  finished(title: string, seconds: number, outcome = ''): void {
    this.times.push({ title, seconds });
    const line = `${this.paint('green', 'ok')}  ${title.padEnd(44)} ${shown(seconds)}`;
    this.line(outcome ? `${line}  ${this.paint('gray', outcome)}` : line);
  }

  line(text = ''): void {
    this.erasePassing();
    this.screen.write(`${text}\n`);
  }

  /** Output of programs that a stage runs. */
  detail(text: string): void {
    this.line(this.paint('gray', `      ${text}`));
  }

  /** On a terminal, a line that the next one takes the place of. */
  passing(text: string): void {
    if (!this.screen.isTTY) return;
    this.erasePassing();
    this.screen.write(this.paint('gray', `…   ${text}`.slice(0, 118)));
    this.transientShown = true;
  }

  table(): string {
    const table = new Table({
      head: ['stage', 'seconds'],
      colAligns: ['left', 'right'],
      style: { head: [], border: [] },
    });
    for (const { title, seconds } of this.times) table.push([title, seconds.toFixed(1)]);
    table.push(['all', secondsSince(this.startMs).toFixed(1)]);
    return table.toString();
  }

  heading(text: string): void {
    this.line(`\n${this.paint('bold', text)}`);
  }

  private erasePassing(): void {
    if (this.transientShown) this.screen.write('\r\u001b[K');
    this.transientShown = false;
  }

  private paint(style: 'red' | 'green' | 'gray' | 'bold', text: string): string {
    return this.screen.isTTY && !process.env.NO_COLOR
      ? styleText(style, text, { validateStream: false })
      : text;
  }
}
