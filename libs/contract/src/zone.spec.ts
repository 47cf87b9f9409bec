import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseZone, zoneText } from './zone.js';

const start = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'.split('');
const cluster = fc
  .tuple(
    fc.constantFrom(...start),
    fc.string({ unit: fc.constantFrom(...start, '.', '_', '-'), maxLength: 62 }),
  )
  .map(([first, rest]) => first + rest);
const vlanId = fc.integer({ min: 1, max: 4094 });

describe('a zone', () => {
  it('is the resource pool, or a cluster with its VLAN, which a leading C lets begin', () => {
    expect(parseZone('resource_pool')).toEqual({ cluster: null, vlanId: null, createCluster: false });
    expect(parseZone('blue,12')).toEqual({ cluster: 'blue', vlanId: 12, createCluster: false });
    expect(parseZone('C,blue,12')).toEqual({ cluster: 'blue', vlanId: 12, createCluster: true });
  });

  it('may be that of a cluster which is called C', () => {
    expect(parseZone('C,12')).toEqual({ cluster: 'C', vlanId: 12, createCluster: false });
    expect(parseZone('C,C,12')).toEqual({ cluster: 'C', vlanId: 12, createCluster: true });
  });

  it('comes back as it was written, whatever cluster and VLAN', () => {
    fc.assert(
      fc.property(cluster, vlanId, fc.boolean(), (name, vlan, create) => {
        const zone = { cluster: name, vlanId: vlan, createCluster: create };
        expect(parseZone(zoneText(zone))).toEqual(zone);
      }),
    );
  });

  it('is read in one way only: what is taken is what would be written', () => {
    const words = fc.array(fc.oneof(cluster, fc.constant('C'), fc.string(), fc.integer().map(String)));
    fc.assert(
      fc.property(
        words.map((each) => each.join(',')),
        (text) => {
          const parsed = parseZone(text);
          if (!('fault' in parsed)) expect(zoneText(parsed)).toBe(text);
        },
      ),
    );
  });

  it('is refused with a VLAN that is none', () => {
    const none = fc.integer().filter((vlan) => vlan < 1 || vlan > 4094);
    fc.assert(
      fc.property(cluster, none, (name, vlan) => {
        expect(parseZone(`${name},${vlan}`)).toEqual({
          fault: `has the VLAN "${vlan}", which is none: 1 to 4094`,
        });
      }),
    );
  });

  it.each([
    ['', 'is not a zone'],
    ['blue', 'is not a zone'],
    ['C,blue', 'has the VLAN "blue"'],
    ['c,blue,12', 'is not a zone'],
    ['C,blue,12,13', 'is not a zone'],
    [',12', 'names the cluster ""'],
    ['C,,12', 'names the cluster ""'],
    ['blue, 12', 'has the VLAN " 12"'],
    ['blue,012', 'has the VLAN "012"'],
    ['blue,1e3', 'has the VLAN "1e3"'],
    ['-blue,12', 'names the cluster "-blue"'],
    ['Resource_pool', 'is not a zone'],
  ])('is refused when it is "%s"', (text, fault) => {
    expect(parseZone(text)).toEqual({ fault: expect.stringContaining(fault) });
  });
});
