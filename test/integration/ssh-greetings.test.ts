import { describe, expect, it } from 'vitest';
import { freePort } from '#platform';
import { SshGreetings } from '#provisioning';
import { GreetingServer } from '../support/ssh-server.js';

const never = new AbortController().signal;
const here = ['127.0.0.1'];

async function seen(said: string, addresses = here) {
  const server = await GreetingServer.start(said);
  try {
    return await new SshGreetings(server.port).from(addresses, never);
  } finally {
    await server.stop();
  }
}

describe('an OS answers on SSH', () => {
  it.each([
    ['at once', 'SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n', 'SSH-2.0-OpenSSH_9.2p1 Debian-2'],
    ['after a notice', 'Keep out\r\nSSH-2.0-x\r\n', 'SSH-2.0-x'],
    ['with a bare line feed', 'SSH-1.99-old\n', 'SSH-1.99-old'],
  ])('%s', async (_how, said, greeting) => {
    expect(await seen(said)).toEqual({ address: '127.0.0.1', greeting });
  });

  it('at one of its addresses', async () => {
    expect(await seen('SSH-2.0-x\r\n', ['127.0.0.2', '127.0.0.1'])).toMatchObject({ address: '127.0.0.1' });
  });
});

describe('no OS answers on SSH', () => {
  it.each([
    ['another service', '220 mail.example.org\r\n'],
    ['half a greeting', 'SSH-2.0-x'],
    ['one in the middle of a line', 'no SSH-2.0-x\r\n'],
    ['talk without end', 'blah\r\n'.repeat(10_000)],
    ['nothing', ''],
  ])('by %s', async (_what, said) => {
    expect(await seen(said)).toBeUndefined();
  });

  it('where nothing listens', async () => {
    expect(await new SshGreetings(await freePort()).from(here, never)).toBeUndefined();
  });

  it('and a look that is cut short says so', async () => {
    const reason = new Error('stop');
    await expect(new SshGreetings(await freePort()).from(here, AbortSignal.abort(reason))).rejects.toBe(
      reason,
    );
  });
});
