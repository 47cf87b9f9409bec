import { expect, it } from 'vitest';
import { loadConfig } from '#platform';
import { dhcpSettingsOf } from './dhcp-settings.js';

const config = (environment: Record<string, string>) =>
  loadConfig({ DODAI_DHCP_INTERFACE: 'eth1', ...environment });
const interfaces = { eth1: { address: '10.77.5.1', netmask: '255.255.252.0' } };

it('takes the address and the network from the interface', () => {
  const full = config({ DODAI_DHCP: 'full', DODAI_DHCP_RANGE: '10.77.4.50,10.77.4.99' });
  expect(dhcpSettingsOf(full, interfaces)).toEqual({
    mode: 'full',
    interface: 'eth1',
    serverAddress: '10.77.5.1',
    network: '10.77.4.0',
    netmask: '255.255.252.0',
    pool: { first: '10.77.4.50', last: '10.77.4.99' },
    metadataRoute: false,
  });
});

it('has a route to the metadata service when that is wanted, and there is one', () => {
  const routed = (more: Record<string, string>) =>
    dhcpSettingsOf(config({ DODAI_DHCP: 'proxy', DODAI_METADATA_ROUTE: 'true', ...more }), interfaces)
      .metadataRoute;
  expect(routed({})).toBe(true);
  expect(routed({ DODAI_METADATA_PORT: '0' })).toBe(false);
});

it('names the interfaces there are when it has none of that name', () => {
  expect(() =>
    dhcpSettingsOf(config({ DODAI_DHCP: 'proxy', DODAI_DHCP_INTERFACE: 'eth9' }), interfaces),
  ).toThrow(
    expect.objectContaining({ code: 'configuration-invalid', remedy: expect.stringContaining('eth1') }),
  );
});
