import { expect, it } from 'vitest';
import { leasesInTheWay, macOfLease, withoutLeases } from './leases.js';

const file = `1795252379 a6:47:7a:84:16:d8 10.99.0.7 m7 01:a6:47:7a:84:16:d8
1795252380 a6:47:7a:84:16:d9 10.99.0.8 * *
`;

it('finds and drops the leases of addresses that are reserved for another machine', () => {
  const inTheWay = leasesInTheWay(file, [
    { mac: 'A6:47:7A:84:16:D8', ip: '10.99.0.7' },
    { mac: '52:54:00:00:00:01', ip: '10.99.0.8' },
    { mac: '52:54:00:00:00:02', ip: '10.99.0.9' },
  ]);
  expect(inTheWay).toEqual(['10.99.0.8']);
  expect(withoutLeases(file, inTheWay)).toBe(`${file.split('\n')[0]}\n`);
});

it('tells whose lease of an address has not ended', () => {
  const at = (seconds: number) => new Date(seconds * 1000);
  expect(macOfLease(file, '10.99.0.7', at(1795252378))).toBe('a6:47:7a:84:16:d8');
  expect(macOfLease(file, '10.99.0.7', at(1795252379))).toBeNull();
  expect(macOfLease('0 a6:47:7a:84:16:d8 10.99.0.7 * *\n', '10.99.0.7', at(1795252379))).toBe(
    'a6:47:7a:84:16:d8',
  );
  expect(macOfLease(file, '10.99.0.9', at(0))).toBeNull();
});
