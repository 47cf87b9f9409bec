import type { CliIo } from './cli-io.js';
import { Palette, wantsColor } from './view/palette.js';

export interface OutputOptions {
  json?: boolean;
  color?: boolean;
}

/** Results go to stdout, as text or as JSON; everything said beside them goes to stderr. */
export class Output {
  readonly json: boolean;
  readonly palette: Palette;

  constructor(
    private readonly io: CliIo,
    { json = false, color = true }: OutputOptions,
  ) {
    this.json = json;
    this.palette = new Palette(wantsColor({ isTTY: io.stdout.isTTY ?? false, wanted: color, env: io.env }));
  }

  /** The result of a command: one JSON document, or text made for people. */
  result(document: unknown, text: (palette: Palette) => string): void {
    this.#print(this.json ? JSON.stringify(document, null, 2) : text(this.palette));
  }

  /** One of a stream of results: one JSON line, or one line of text. */
  item(document: unknown, text: (palette: Palette) => string): void {
    this.#print(this.json ? JSON.stringify(document) : text(this.palette));
  }

  /** For people only; programs read the exit code and the document. */
  note(text: string): void {
    if (!this.json) this.io.stderr.write(`${text}\n`);
  }

  /** Whether a picture that repaints itself makes sense. */
  get isLive(): boolean {
    return !this.json && (this.io.stdout.isTTY ?? false) && this.io.env.TERM !== 'dumb';
  }

  #print(text: string): void {
    this.io.stdout.write(text.endsWith('\n') || text === '' ? text : `${text}\n`);
  }
}
