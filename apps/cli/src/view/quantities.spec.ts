import { describe, expect, it } from 'vitest';
import { age, bar, bytes, duration, mebibytes } from './quantities.js';

describe('a duration', () => {
  it.each([
    [0, '0s'],
    [59.9, '59s'],
    [65, '1m05s'],
    [3600, '1h00m'],
    [7800, '2h10m'],
    [90_000, '1d1h'],
    [-3, '0s'],
  ])('of %d seconds is %s', (seconds, text) => expect(duration(seconds)).toBe(text));
});

describe('an age', () => {
  const now = new Date('2026-01-31T12:00:00Z');

  it('is told by the largest units', () => {
    expect(age('2026-01-31T11:58:00Z', now)).toBe('2m00s ago');
  });

  it('of a moment ahead of our clock is now', () => {
    expect(age('2026-01-31T12:00:03Z', now)).toBe('just now');
  });

  it('of nothing is a dash', () => {
    expect(age(null, now)).toBe('-');
  });
});

describe('a size', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.00 kB'],
    [164_300_000, '164 MB'],
    [999_999_999, '1.00 GB'],
    [12_500_000_000, '12.5 GB'],
  ])('of %d bytes is %s', (count, text) => expect(bytes(count)).toBe(text));

  it('in MiB becomes GiB where that is exact', () => {
    expect([mebibytes(2048), mebibytes(1500), mebibytes(0)]).toEqual(['2 GiB', '1500 MiB', '0 MiB']);
  });
});

it('a bar stays within its width', () => {
  expect([bar(-1, 4), bar(0.5, 4), bar(7, 4)]).toEqual(['░░░░', '██░░', '████']);
});
