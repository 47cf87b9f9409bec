import { createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { Secret } from '#platform';
import { Claims } from './claims.js';

const id = '7d9f0c6e-6b1e-4f5e-9d43-1f4c7e8a0b11';
const key = 'a shared secret of some length';
const claims = (trustedProxies: string[] = [], sharedSecret: Secret | undefined = new Secret(key)) =>
  new Claims({ sharedSecret, trustedProxies });
const request = (remoteAddress: string, headers: Record<string, string> = {}) =>
  ({ socket: { remoteAddress }, headers }) as unknown as IncomingMessage;
const signature = (text: string, secret = key) => createHmac('sha256', secret).update(text).digest('hex');
const signed = (value: string | undefined) =>
  request('10.0.0.9', {
    'x-instance-id': id,
    ...(value !== undefined && { 'x-instance-id-signature': value }),
  });

describe('the address of a caller', () => {
  it.each([
    ['10.0.0.5', '10.0.0.5'],
    ['::ffff:10.0.0.5', '10.0.0.5'],
    ['fe80::5054:ff:fe00:5%eth1', 'fe80::5054:ff:fe00:5'],
  ])('%s is %s', (remote, address) => {
    expect(claims().of(request(remote))).toEqual({ kind: 'address', address });
  });

  it('is its own, whatever it says of others', () => {
    const said = request('10.0.0.5', { 'x-forwarded-for': '10.0.0.6' });
    expect(claims(['10.0.1.0/24']).of(said)).toEqual({ kind: 'address', address: '10.0.0.5' });
  });

  it.each([
    ['10.0.0.6', '10.0.0.6'],
    ['10.0.0.7, 10.0.0.6', '10.0.0.6'],
    ['10.0.0.6, 10.0.1.2', '10.0.0.6'],
    ['::ffff:10.0.0.6', '10.0.0.6'],
    ['FD00:0::0:6', 'fd00::6'],
    ['10.0.1.2', '10.0.1.2'],
  ])('is what a trusted proxy says: of %s it is %s', (said, address) => {
    const passedOn = request('10.0.1.1', { 'x-forwarded-for': said });
    expect(claims(['10.0.1.0/24']).of(passedOn)).toEqual({ kind: 'address', address });
  });

  it.each(['', 'unknown', '10.0.0.6:80', '10.0.0', '10.0.0.6,'])(
    'is unknown when a trusted proxy says "%s"',
    (said) => {
      const passedOn = request('10.0.1.1', { 'x-forwarded-for': said });
      expect(claims(['10.0.1.0/24']).of(passedOn)).toEqual({ kind: 'unknown' });
    },
  );
});

describe('a signed instance id', () => {
  it('is believed when the signature is right', () => {
    expect(claims().of(signed(signature(id)))).toEqual({ kind: 'signed', instanceId: id });
  });

  it.each([
    ['none', undefined],
    ['an empty one', ''],
    ['a shorter one', signature(id).slice(1)],
    ['one of another id', signature('another')],
    ['one with another secret', signature(id, 'another secret of some length')],
    ['two of them', `${signature(id)}, ${signature(id)}`],
  ])('is forged with %s', (_what, value) => {
    expect(claims().of(signed(value))).toEqual({ kind: 'forged' });
  });

  it('says nothing where no secret is shared', () => {
    const unshared = new Claims({ sharedSecret: undefined, trustedProxies: [] });
    expect(unshared.of(signed(signature(id)))).toEqual({ kind: 'address', address: '10.0.0.9' });
  });
});
