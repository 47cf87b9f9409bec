import { describe, expect, it } from 'vitest';
import { imageStanding } from './index.js';

type Result = 'ok' | 'warning' | 'fault';
const standing = (...results: Result[]) =>
  imageStanding({ findings: results.map((result) => ({ check: 'kernel', result, message: 'It is so.' })) });

describe('how an image meets the requirements is said in words:', () => {
  it.each<[string | null, Result[]]>([
    [null, []],
    ['all requirements met', ['ok', 'ok']],
    ['1 warning', ['ok', 'warning']],
    ['1 fault', ['fault']],
    ['2 faults, 1 warning', ['fault', 'warning', 'ok', 'fault']],
  ])('%s', (words, results) => expect(standing(...results)).toBe(words));
});
