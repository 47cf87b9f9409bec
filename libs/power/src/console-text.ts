// oxlint-disable no-control-regex -- control characters are what this file is about
import { stripVTControlCharacters } from 'node:util';

/** Moves of the cursor to another place (ECMA-48, CUP, HVP, VPA, ED): whoever paints a screen goes to another line with them. */
const moves = /\u001B\[[\d;]*[HfdJ]/g;
/** What may go on in the next piece: an escape sequence, or a carriage return before its line feed. */
const unfinished = /(?:\u001B(?:\[[\d;?]{0,30}|\][^\u0007\u001B]{0,200}|[()#]?)?|\r+)$/;
const carriageReturns = /\r+\n?/g;
/** Tab and line feed stay. */
const control = /[^\P{Cc}\t\n]/gu;
const emptyLines = /\n{3,}/g;

/** Makes plain text of what a serial console sends, piece by piece: UTF-8, escape sequences and control characters gone. */
export class ConsoleText {
  private readonly decoder = new TextDecoder();
  private rest = '';

  /** The text that is complete. */
  push(bytes: Uint8Array): string {
    const text = this.rest + this.decoder.decode(bytes, { stream: true });
    this.rest = unfinished.exec(text)?.[0] ?? '';
    return plain(text.slice(0, text.length - this.rest.length));
  }
}

function plain(text: string): string {
  return stripVTControlCharacters(text.replace(moves, '\n'))
    .replace(carriageReturns, '\n')
    .replace(control, '')
    .replace(emptyLines, '\n\n');
}
