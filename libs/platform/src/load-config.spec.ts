import { describe, expect, it } from 'vitest';
import { loadConfig } from './load-config.js';

const urlAllow = (text: string) => loadConfig({ DODAI_IMAGE_URL_ALLOW: text }).images.urlAllow;

describe('DODAI_IMAGE_URL_ALLOW', () => {
  it('is nothing unless it is set', () => {
    expect(loadConfig({}).images.urlAllow).toEqual([]);
  });

  it('has names, addresses and networks', () => {
    const entries = ['mirror.lan', '10.0.0.5', '10.1.0.0/16', 'fd00::/8', '::1'];
    expect(urlAllow(` ${entries.join(' , ')},`)).toEqual(entries);
  });

  it.each([
    '10.1.0.0/33',
    'fd00::/129',
    '10.1.0/16',
    'mirror.lan/8',
    'a b',
    'http://mirror.lan',
    '10.1.0.0/8/8',
    '10.0.0',
  ])('is refused with %s in it', (entry) => {
    expect(() => urlAllow(`mirror.lan,${entry}`)).toThrow('is no host name, address or network');
  });
});

describe('DODAI_IMAGE_MAX_GB', () => {
  it('is in GiB, and may have a fraction', () => {
    expect(loadConfig({ DODAI_IMAGE_MAX_GB: '0.5' }).images.maxBytes).toBe(512 * 1024 * 1024);
    expect(loadConfig({}).images.maxBytes).toBe(64 * 1024 ** 3);
  });

  it.each(['0', '-1', 'much'])('is refused as %s', (text) => {
    expect(() => loadConfig({ DODAI_IMAGE_MAX_GB: text })).toThrow('DODAI_IMAGE_MAX_GB');
  });
});

describe('the settings of the metadata service', () => {
  it('have its port next to the others, and trust nobody', () => {
    expect(loadConfig({}).metadata).toEqual({
      host: '0.0.0.0',
      port: 7073,
      namespace: 'dodai',
      sharedSecret: undefined,
      trustedProxies: [],
      rate: 100,
      route: false,
    });
  });

  it.each(['latest', 'openstack', 'nocloud', 'ec2', '2009-04-04', 'Dodai', 'a/b', '-a'])(
    'refuse the namespace %s',
    (name) =>
      expect(() => loadConfig({ DODAI_METADATA_NAMESPACE: name })).toThrow('DODAI_METADATA_NAMESPACE'),
  );

  it('refuse a shared secret that could be guessed', () => {
    expect(() => loadConfig({ DODAI_METADATA_SHARED_SECRET: 'secret' })).toThrow('at least 16 characters');
  });

  it('refuse a trusted proxy that is a name: names are not what a packet comes from', () => {
    expect(() => loadConfig({ DODAI_METADATA_TRUSTED_PROXIES: '10.0.0.1,proxy.lan' })).toThrow(
      'is no address or network',
    );
  });
});

describe('DODAI_OPERATOR_WEBHOOK_URL', () => {
  const key = Buffer.alloc(24, 1).toString('base64');
  const webhook = (secret: string | undefined, url = 'https://hooks.lan/dodai') =>
    loadConfig({ DODAI_OPERATOR_WEBHOOK_URL: url, DODAI_OPERATOR_WEBHOOK_SECRET: secret }).operatorWebhook;

  it.each([key, `whsec_${key}`])('goes with a secret as %s', (secret) => {
    expect(webhook(secret)?.key.reveal()).toBe(key);
    expect(webhook(secret)?.url.reveal()).toBe('https://hooks.lan/dodai');
  });

  it('is nothing unless it is set', () => {
    expect(loadConfig({ DODAI_OPERATOR_WEBHOOK_SECRET: key }).operatorWebhook).toBeUndefined();
  });

  it.each([
    ['no secret', undefined, 'https://hooks.lan', 'DODAI_OPERATOR_WEBHOOK_SECRET: is needed with'],
    ['a short secret', 'c2hvcnQ=', 'https://hooks.lan', 'must have at least 24 bytes'],
    ['a secret in other letters', 'whsec_not base64', 'https://hooks.lan', 'must be base64'],
    ['another protocol', key, 'ftp://hooks.lan', 'DODAI_OPERATOR_WEBHOOK_URL'],
  ])('is refused with %s', (_what, secret, url, message) => {
    expect(() => webhook(secret, url)).toThrow(message);
  });
});
