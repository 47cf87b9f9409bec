import { describe, expect, it } from 'vitest';
import { renderDnsmasqConfig } from './dnsmasq-config.js';
import type { DhcpSettings } from './settings.js';

const settings: DhcpSettings = {
  mode: 'full',
  interface: 'eth1',
  serverAddress: '10.0.0.1',
  network: '10.0.0.0',
  netmask: '255.255.255.0',
};
const routes = (over: Partial<DhcpSettings>) =>
  renderDnsmasqConfig({ ...settings, ...over }, { leases: '/l', hosts: '/h' })
    .split('\n')
    .filter((line) => line.includes('static-route'));

describe('the route to the metadata service', () => {
  it('is not given unless it is asked for', () => {
    expect(routes({})).toEqual([]);
  });

  it('goes through this host', () => {
    expect(routes({ metadataRoute: true })).toEqual([
      'dhcp-option=option:classless-static-route,169.254.169.254/32,10.0.0.1',
    ]);
  });

  it('comes with that of the router, which is not looked at any more', () => {
    expect(routes({ metadataRoute: true, router: '10.0.0.254' })).toEqual([
      'dhcp-option=option:classless-static-route,169.254.169.254/32,10.0.0.1,0.0.0.0/0,10.0.0.254',
    ]);
  });

  it('is not given where the addresses are the site’s', () => {
    expect(routes({ mode: 'proxy', metadataRoute: true })).toEqual([]);
  });
});
