import { describe, expect, it } from 'vitest';
import { ConsoleText } from './console-text.js';

function plain(...pieces: (string | Buffer)[]): string {
  const text = new ConsoleText();
  return pieces.map((piece) => text.push(Buffer.from(piece))).join('');
}

describe('the text of a console', () => {
  it('has no colours, no NULs, no bells', () => {
    expect(plain('\u001B[1;31mred\u001B[0m\0\u0007 and \u001B]0;title\u0007plain\r\n')).toBe(
      'red and plain\n',
    );
  });

  it('goes to a new line where a screen was painted', () => {
    expect(plain('\u001B[2J\u001B[01;01HBIOS\u001B[02;01HMemory\r\n\r\n\r\n\r\nend')).toBe(
      '\n\nBIOS\nMemory\n\nend',
    );
    expect(plain('10 %\r20 %\r\r\ndone')).toBe('10 %\n20 %\ndone');
  });

  it('is the same wherever it was cut', () => {
    const whole = Buffer.from('a\u001B[31mb\u001B[0m\r\nZürich \u001B]0;x\u0007\u001B(Bé\r\n');
    for (let at = 1; at < whole.length; at += 1)
      expect(plain(whole.subarray(0, at), whole.subarray(at)), `cut at ${at}`).toBe('ab\nZürich é\n');
  });
});
