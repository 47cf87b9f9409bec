import { describe, expect, it } from 'vitest';
import { loadConfig } from './config.js';

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
