import { describe, expect, it } from 'vitest';
import { transferLine } from './transfer-bar.js';

describe('the line of a transfer', () => {
  it('tells how far it is, how fast and for how long still', () => {
    expect(transferLine('a.zst', { stage: 'send', doneBytes: 25_000_000, totalBytes: 100_000_000 }, 2)).toBe(
      'a.zst  ██████░░░░░░░░░░░░░░░░░░  25 %  25.0 MB of 100 MB  12.5 MB/s  6s left',
    );
  });

  it('tells how much came when nobody knows how much there is', () => {
    expect(transferLine('a.zst', { stage: 'send', doneBytes: 25_000_000, totalBytes: null }, 2)).toBe(
      'a.zst  25.0 MB  12.5 MB/s',
    );
  });

  it('promises nothing before the first second', () => {
    expect(transferLine('a.zst', { stage: 'send', doneBytes: 0, totalBytes: 100 }, 0)).toContain('0 B/s');
  });

  it('says what it waits for when everything is sent', () => {
    expect(transferLine('a.zst', { stage: 'send', doneBytes: 0, totalBytes: 0 }, 0)).toContain(
      'the controller checks and stores it',
    );
  });

  it('names what the controller does with it', () => {
    expect(transferLine('a.qcow2', { stage: 'convert', doneBytes: 50, totalBytes: 100 }, 1)).toContain(
      'a.qcow2  converting  ████████████░░░░░░░░░░░░  50 %',
    );
    expect(transferLine('a.qcow2', { stage: 'pack', doneBytes: 100, totalBytes: 100 }, 1)).toContain(
      'a.qcow2  storing  ████████████████████████ 100 %',
    );
  });

  it('shows that time passes while nobody knows how far it is', () => {
    expect(transferLine('a.qcow2', { stage: 'check', doneBytes: 0, totalBytes: null }, 12)).toBe(
      'a.qcow2  looking into it  12s',
    );
  });
});
