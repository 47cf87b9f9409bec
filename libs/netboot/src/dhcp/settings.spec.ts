import { describe, expect, it } from 'vitest';
import { checkReservations, checkSettings, type DhcpSettings } from './settings.js';

const settings: DhcpSettings = {
  mode: 'full',
  interface: 'eth1',
  serverAddress: '10.0.0.1',
  network: '10.0.0.0',
  netmask: '255.255.255.0',
};
const machine = { mac: '52:54:00:00:00:01', ip: '10.0.0.5', hostName: 'm-1' };

describe('DHCP settings', () => {
  it('are taken when they are complete', () => {
    const pool = { first: '10.0.0.100', last: '10.0.0.200' };
    checkSettings({ ...settings, pool, router: '10.0.0.1', dnsServers: ['10.0.0.2'], leaseSeconds: 600 });
  });

  it.each<[string, Partial<DhcpSettings>]>([
    ['interface', { interface: 'eth1\nport=53' }],
    ['serverAddress', { serverAddress: '10.0.0' }],
    ['router', { router: '10.0.0.1,evil' }],
    ['pool.last', { pool: { first: '10.0.0.100', last: 'x' } }],
    ['dnsServers', { dnsServers: ['10.0.0.2', '::1'] }],
    ['leaseSeconds', { leaseSeconds: 60 }],
    ['rootPath', { rootPath: '/a,b' }],
  ])('are refused for a wrong %s', (name, wrong) => {
    expect(() => checkSettings({ ...settings, ...wrong })).toThrow(`DHCP ${name} was to be`);
  });
});

describe('DHCP reservations', () => {
  it.each([
    ['mac', [{ ...machine, mac: '52:54:00:00:00' }]],
    ['ip', [{ ...machine, ip: '10.0.0.256' }]],
    ['hostName', [{ ...machine, hostName: 'a b' }]],
    ['reservation', [machine, { ...machine, mac: '52:54:00:00:00:02' }]],
    ['reservation', [machine, { ...machine, ip: '10.0.0.6' }]],
  ])('are refused for a wrong or repeated %s', (name, reservations) => {
    expect(() => checkReservations(reservations)).toThrow(`DHCP ${name} was to be`);
  });
});
