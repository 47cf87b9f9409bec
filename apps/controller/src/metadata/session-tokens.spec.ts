import { describe, expect, it } from 'vitest';
import { SecretBox } from '#platform';
import { FakeClock } from '#testing';
import { SessionTokens } from './session-tokens.js';

const box = new SecretBox(Buffer.alloc(32, 1));
function tokens() {
  const clock = new FakeClock();
  return { clock, tokens: new SessionTokens(box, clock) };
}

describe('a session token', () => {
  it('is good for its instance until it ends', async () => {
    const { clock, tokens: issuing } = tokens();
    const { token } = issuing.issue('a', '60')!;
    expect(issuing.isGood('a', token)).toBe(true);
    await clock.advance(58_000);
    expect(issuing.isGood('a', token)).toBe(true);
    await clock.advance(2000);
    expect(issuing.isGood('a', token)).toBe(false);
  });

  it('is good at every controller with the same key, and at no other', () => {
    const { token } = tokens().tokens.issue('a', '60')!;
    expect(tokens().tokens.isGood('a', token)).toBe(true);
    const other = new SessionTokens(new SecretBox(Buffer.alloc(32, 2)), new FakeClock());
    expect(other.isGood('a', token)).toBe(false);
  });

  it('is of no use to another instance, nor with another end', () => {
    const { tokens: issuing } = tokens();
    const { token } = issuing.issue('a', '60')!;
    expect(issuing.isGood('b', token)).toBe(false);
    expect(issuing.isGood('a', token.replace(/^[^.]+/, 'zzzzzz'))).toBe(false);
  });

  it.each(['', '.', 'x', 'zzzzzz.', '.abc', 'a.b.c'])('is not "%s"', (text) => {
    expect(tokens().tokens.isGood('a', text)).toBe(false);
  });

  it.each([undefined, '', '0', '21601', '-1', '1.5', '60s', ' 60', '999999'])(
    'is not given for %s seconds',
    (ttl) => {
      expect(tokens().tokens.issue('a', ttl)).toBeUndefined();
    },
  );
});
