import { isIP } from 'node:net';
import { describe, expect, it } from 'vitest';
import { AddressPolicy } from './address-policy.js';

const own = () => ['198.41.0.4'];
const refusal = (address: string, allow: string[] = [], host = 'images.example.org') =>
  new AddressPolicy(allow, own).refusalOf(host, { address, family: isIP(address.split('%')[0] ?? '') });

describe('where the controller may go', () => {
  it.each(['8.8.8.8', '151.101.2.132', '172.32.0.1', '2a04:4e42::644', '2606:4700::1111'])(
    'is %s, which is public',
    (address) => expect(refusal(address)).toBeUndefined(),
  );

  it.each([
    ['127.0.0.1', 'a loopback address'],
    ['127.255.0.9', 'a loopback address'],
    ['::1', 'a loopback address'],
    ['::ffff:127.0.0.1', 'a loopback address'],
    ['169.254.169.254', 'a link-local address'],
    ['fe80::1', 'a link-local address'],
    ['fe80::1%eth0', 'a link-local address'],
    ['10.0.0.1', 'a private address'],
    ['172.31.255.255', 'a private address'],
    ['192.168.1.1', 'a private address'],
    ['100.64.0.1', 'a private address'],
    ['fd00::1', 'a private address'],
    ['::ffff:10.0.0.1', 'a private address'],
    ['0.0.0.0', 'not a public address'],
    ['::', 'not a public address'],
    ['224.0.0.1', 'not a public address'],
    ['255.255.255.255', 'not a public address'],
    ['ff02::1', 'not a public address'],
    ['64:ff9b::a00:1', 'not a public address'],
    ['2002:a00:1::', 'not a public address'],
    ['2001::1', 'not a public address'],
    ['2001:db8::1', 'not a public address'],
    ['::ffff:8.8.8.8', 'not a public address'],
    ['198.41.0.4', 'an address of this controller'],
  ])('is not %s, which is %s', (address, called) => {
    expect(refusal(address)).toBe(called);
  });

  it.each([
    ['10.1.2.3', '10.1.0.0/16'],
    ['10.1.2.3', '10.1.2.3'],
    ['fd00::5', 'fd00::/8'],
    ['127.0.0.1', 'Mirror.lan'],
    ['198.41.0.4', '198.41.0.4'],
  ])('is %s when the operator allows %s', (address, entry) => {
    expect(refusal(address, [entry], 'mirror.LAN')).toBeUndefined();
  });

  it.each([
    ['10.2.0.1', '10.1.0.0/16'],
    ['10.1.2.4', '10.1.2.3'],
    ['127.0.0.1', 'other.lan'],
    ['127.0.0.1', 'lan'],
  ])('is not %s when the operator allows %s', (address, entry) => {
    expect(refusal(address, [entry], 'mirror.lan')).toBeDefined();
  });
});
