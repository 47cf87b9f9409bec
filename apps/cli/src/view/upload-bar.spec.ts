import { describe, expect, it } from 'vitest';
import { uploadLine } from './upload-bar.js';

describe('the line of an upload', () => {
  it('tells how far it is, how fast and for how long still', () => {
    expect(uploadLine('a.zst', { sentBytes: 25_000_000, totalBytes: 100_000_000 }, 2)).toBe(
      'a.zst  ██████░░░░░░░░░░░░░░░░░░  25 %  25.0 MB of 100 MB  12.5 MB/s  6s left',
    );
  });

  it('tells how much came when nobody knows how much there is', () => {
    expect(uploadLine('a.zst', { sentBytes: 25_000_000, totalBytes: null }, 2)).toBe(
      'a.zst  25.0 MB  12.5 MB/s',
    );
  });

  it('promises nothing before the first second', () => {
    expect(uploadLine('a.zst', { sentBytes: 0, totalBytes: 100 }, 0)).toContain('0 B/s');
  });

  it('says what it waits for when everything is sent', () => {
    expect(uploadLine('a.zst', { sentBytes: 0, totalBytes: 0 }, 0)).toContain(
      'the controller checks and stores it',
    );
  });
});
