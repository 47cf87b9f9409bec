import { describe, expect, it } from 'vitest';
import { negotiate } from './options.js';

const limits = { maxBlockSize: 1468, maxWindowSize: 64 };
const negotiated = (options: Record<string, string>) =>
  negotiate(new Map(Object.entries(options)), 5000, limits);

describe('option negotiation', () => {
  it('sends no OACK to a client without options, and serves 512 bytes at a time', () => {
    const { parameters, accepted } = negotiated({});
    expect(accepted.size).toBe(0);
    expect(parameters).toEqual({ blockSize: 512, windowSize: 1, timeoutMs: null });
  });

  it('accepts what is asked for within the limits', () => {
    const { parameters, accepted } = negotiated({
      blksize: '1408',
      windowsize: '4',
      timeout: '3',
      tsize: '0',
    });
    expect(parameters).toEqual({ blockSize: 1408, windowSize: 4, timeoutMs: 3000 });
    expect(Object.fromEntries(accepted)).toEqual({
      blksize: '1408',
      windowsize: '4',
      timeout: '3',
      tsize: '5000',
    });
  });

  it('lowers what is over the limits, and says so', () => {
    const { parameters, accepted } = negotiated({ blksize: '65464', windowsize: '65535' });
    expect(parameters).toMatchObject({ blockSize: 1468, windowSize: 64 });
    expect(Object.fromEntries(accepted)).toEqual({ blksize: '1468', windowsize: '64' });
  });

  it('leaves the size of an empty file unsaid', () => {
    expect(negotiate(new Map([['tsize', '0']]), 0, limits).accepted.size).toBe(0);
  });

  it.each<Record<string, string>>([
    { blksize: '7' },
    { blksize: '65465' },
    { blksize: '1468 ' },
    { blksize: '-512' },
    { blksize: '1e3' },
    { windowsize: '0' },
    { windowsize: '65536' },
    { timeout: '0' },
    { timeout: '256' },
    { multicast: '' },
  ])('leaves out what is out of range or unknown: %o', (options) => {
    expect(negotiated(options).accepted.size).toBe(0);
  });
});
