import { describe, expect, it } from 'vitest';
import { DhcpLogParser } from './log-parser.js';

const log = `
dnsmasq[9]: started, version 2.90 DNS disabled
dnsmasq-dhcp[9]: DHCP, sockets bound exclusively to interface eth0
dnsmasq-dhcp[9]: 163 available DHCP subnet: 10.99.0.0/255.255.255.0
dnsmasq-dhcp[9]: 163 vendor class: PXEClient:Arch:00000:UNDI:002001
dnsmasq-dhcp[9]: 163 DHCPDISCOVER(eth0) a6:47:7a:84:16:d8${' '}
dnsmasq-dhcp[9]: 163 tags: known, bios, eth0
dnsmasq-dhcp[9]: 163 DHCPOFFER(eth0) 10.99.0.7 a6:47:7a:84:16:d8${' '}
dnsmasq-dhcp[9]: 163 bootfile name: lpxelinux.0
dnsmasq-dhcp[9]: 164 DHCPREQUEST(eth0) 10.99.0.8 a6:47:7a:84:16:d9${' '}
dnsmasq-dhcp[9]: 164 DHCPNAK(eth0) 10.99.0.8 a6:47:7a:84:16:d9 address not available
dnsmasq-dhcp: 163 DHCPACK(eth0) 10.99.0.7 a6:47:7a:84:16:d8 m7
dnsmasq-dhcp[9]: 165 DHCPDISCOVER(eth0) 52:54:00:00:00:01 no address available
dnsmasq-dhcp[9]: 166 PXE(eth0) (null) 52:54:00:00:00:02 proxy
dnsmasq-dhcp[9]: 167 DHCPBOGUS(eth0) 52:54:00:00:00:02
`.split('\n');

const bios = { vendorClass: 'PXEClient:Arch:00000:UNDI:002001', architecture: 0 };
const mac = 'a6:47:7a:84:16:d8';

describe('the log of dnsmasq', () => {
  it('is read as events of machines, with what the client said it is', () => {
    const parser = new DhcpLogParser();
    expect(log.map((line) => parser.parse(line)).filter((event) => event !== null)).toEqual([
      { kind: 'discover', mac, ...bios },
      { kind: 'offer', mac, ip: '10.99.0.7', ...bios },
      { kind: 'request', mac: 'a6:47:7a:84:16:d9', ip: '10.99.0.8' },
      { kind: 'nak', mac: 'a6:47:7a:84:16:d9', ip: '10.99.0.8', note: 'address not available' },
      { kind: 'ack', mac, ip: '10.99.0.7', note: 'm7', ...bios },
      { kind: 'discover', mac: '52:54:00:00:00:01', note: 'no address available' },
      { kind: 'proxy', mac: '52:54:00:00:00:02', note: 'proxy' },
    ]);
  });

  it('does not remember clients without end', () => {
    const parser = new DhcpLogParser();
    for (let id = 0; id < 1001; id += 1) parser.parse(`dnsmasq-dhcp: ${id} vendor class: PXEClient`);
    expect(parser.parse(`dnsmasq-dhcp: 0 DHCPDISCOVER(eth0) ${mac}`)).toEqual({ kind: 'discover', mac });
    expect(parser.parse(`dnsmasq-dhcp: 1 DHCPDISCOVER(eth0) ${mac}`)).toHaveProperty('vendorClass');
  });
});
