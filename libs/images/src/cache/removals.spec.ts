import { expect, it } from 'vitest';
import { type Cached, type CachePolicy, removals } from './removals.js';

const now = new Date('2026-06-01T12:00:00Z');
const hoursAgo = (hours: number) => new Date(now.getTime() - hours * 3_600_000);
const policy: CachePolicy = {
  removeUnused: true,
  unusedMs: 86_400_000,
  strayMs: 3_600_000,
  maxBytes: undefined,
};

const cached = (name: string, hours: number, more: Partial<Cached> = {}): Cached => ({
  sha256: name,
  bytes: 100,
  names: [name],
  isOriginal: false,
  isInUse: false,
  unusedSince: hoursAgo(hours),
  ...more,
});

const gone = (all: Cached[], wanted: Partial<CachePolicy> = {}) =>
  removals(all, { ...policy, ...wanted }, now).map(({ cached: { sha256 } }) => sha256);

it('an image that can be fetched again goes when it was unused for the minimum age', () => {
  expect(gone([cached('young', 23), cached('old', 24)])).toEqual(['old']);
});

it('nothing in use goes, and nothing that was sent, however old and however small the limit', () => {
  const all = [cached('used', 9999, { isInUse: true }), cached('sent', 9999, { isOriginal: true })];
  expect(gone(all, { maxBytes: 1 })).toEqual([]);
});

it('files that no image is made of go after their own age, and never for room', () => {
  const strays = [cached('new', 0.5, { names: [] }), cached('left', 1, { names: [] })];
  expect(gone(strays, { maxBytes: 1 })).toEqual(['left']);
});

it('nothing goes for its age when unused images stay', () => {
  expect(gone([cached('old', 99), cached('left', 99, { names: [] })], { removeUnused: false })).toEqual([]);
});

it('above the limit the longest unused go first, no more of them than needed', () => {
  const all = [cached('b', 3), cached('c', 2), cached('a', 4), cached('used', 9, { isInUse: true })];
  expect(gone(all, { maxBytes: 250 })).toEqual(['a', 'b']);
  expect(gone(all, { maxBytes: 400 })).toEqual([]);
});

it('says why', () => {
  const all = [cached('old', 25), cached('left', 2, { names: [] }), cached('young', 1)];
  expect(removals(all, { ...policy, maxBytes: 50 }, now).map(({ reason }) => reason)).toEqual([
    'it was not used for 25 hours, and can be fetched again',
    'no image is made of it any more',
    'the cache is larger than its limit, and it is the one that was not used for longest',
  ]);
});
