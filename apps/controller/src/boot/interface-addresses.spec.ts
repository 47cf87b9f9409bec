import { expect, it } from 'vitest';
import { parseInterfaceAddresses } from './interface-addresses.js';

it('takes the first address of each interface, the cable in or not', () => {
  const answer = JSON.stringify([
    { ifname: 'lo', operstate: 'UNKNOWN', addr_info: [{ local: '127.0.0.1', prefixlen: 8 }] },
    {
      ifname: 'br0',
      operstate: 'DOWN',
      addr_info: [
        { local: '10.77.5.1', prefixlen: 22 },
        { local: '10.77.5.2', prefixlen: 32 },
      ],
    },
    { ifname: 'eth7', addr_info: [] },
  ]);
  expect(parseInterfaceAddresses(answer)).toEqual({
    lo: { address: '127.0.0.1', netmask: '255.0.0.0' },
    br0: { address: '10.77.5.1', netmask: '255.255.252.0' },
  });
});
