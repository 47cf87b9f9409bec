import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ackedBlock,
  encodeAck,
  encodeData,
  encodeError,
  encodeOack,
  encodeRequest,
  parsePacket,
} from './packets.js';

const block = fc.integer({ min: 0, max: 0xffff });
const word = fc.stringMatching(/^[ -~]{1,12}$/);
const options = fc.uniqueArray(fc.tuple(word, word), {
  maxLength: 4,
  selector: ([name]) => name.toLowerCase(),
});
const lowerCased = (pairs: [string, string][]) =>
  new Map(pairs.map(([name, value]) => [name.toLowerCase(), value]));

describe('TFTP packets', () => {
  it('are read as they were written: requests', () => {
    fc.assert(
      fc.property(fc.constantFrom('rrq', 'wrq'), word, word, options, (kind, path, mode, pairs) => {
        const packet = parsePacket(encodeRequest(kind, path, mode, pairs));
        expect(packet).toEqual({ kind, path, mode: mode.toLowerCase(), options: lowerCased(pairs) });
      }),
    );
  });

  it('are read as they were written: OACK, DATA, ACK and ERROR', () => {
    fc.assert(
      fc.property(
        block,
        fc.uint8Array({ maxLength: 1500 }),
        word,
        options,
        (number, bytes, message, pairs) => {
          const payload = Buffer.from(bytes);
          expect(parsePacket(encodeOack(pairs))).toEqual({ kind: 'oack', options: lowerCased(pairs) });
          expect(parsePacket(encodeData(number, payload))).toEqual({ kind: 'data', block: number, payload });
          expect(parsePacket(encodeAck(number))).toEqual({ kind: 'ack', block: number });
          expect(parsePacket(encodeError(number, message))).toEqual({ kind: 'error', code: number, message });
        },
      ),
    );
  });

  it('never throw, whatever arrives', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 7 }), fc.uint8Array({ maxLength: 600 }), (opcode, bytes) => {
        parsePacket(Buffer.from(bytes));
        parsePacket(Buffer.from([0, opcode, ...bytes]));
      }),
    );
  });

  it('are acknowledgements on the fast path exactly when they are in full', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 7 }), fc.uint8Array({ maxLength: 8 }), (opcode, bytes) => {
        const packet = Buffer.from([0, opcode, ...bytes]);
        const parsed = parsePacket(packet);
        expect(ackedBlock(packet)).toBe(parsed.kind === 'ack' ? parsed.block : -1);
      }),
    );
  });

  it.each([
    ['shorter than an opcode', Buffer.from([0])],
    ['unknown opcode 9', Buffer.from([0, 9, 0, 0])],
    ['cut short', Buffer.from([0, 4, 1])],
    ['does not end in NUL', Buffer.from('\0\x01file\0octet')],
    ['without a mode', Buffer.from('\0\x01file\0')],
    ['option without a value', Buffer.from('\0\x01file\0octet\0blksize\0')],
    ['over 512', encodeRequest('rrq', 'x'.repeat(600), 'octet')],
  ])('are malformed, with a reason, when %s', (reason, packet) => {
    expect(parsePacket(packet)).toEqual({ kind: 'malformed', reason: expect.stringContaining(reason) });
  });

  it('count the first of a repeated option', () => {
    const packet = parsePacket(
      encodeRequest('rrq', 'f', 'octet', [
        ['blksize', '1024'],
        ['BLKSIZE', '8'],
      ]),
    );
    expect(packet).toMatchObject({ options: new Map([['blksize', '1024']]) });
  });
});
