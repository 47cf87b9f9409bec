import { expect, it } from 'vitest';
import { siteDhcpOptions } from './site-options.js';

it('says what to set on the DHCP server of the site', () => {
  const options = siteDhcpOptions('10.0.0.1');
  expect(options).toMatchObject({
    nextServer: '10.0.0.1',
    tftpServerName: '10.0.0.1',
    bootFile: 'lpxelinux.0',
  });
  expect(options.snippets.dnsmasq).toBe(
    'dhcp-match=set:bios,option:client-arch,0\ndhcp-boot=tag:bios,lpxelinux.0,,10.0.0.1\n',
  );
  expect(options.snippets.iscDhcpd).toBe(`option dodai-arch code 93 = string;
class "dodai-bios" {
  match if substring(option vendor-class-identifier, 0, 9) = "PXEClient" and (option dodai-arch = 00:00);
  next-server 10.0.0.1;
  filename "lpxelinux.0";
}
`);
  expect(JSON.parse(options.snippets.kea)).toEqual({
    'client-classes': [
      {
        name: 'dodai-bios',
        test: 'option[93].hex == 0x0000',
        'next-server': '10.0.0.1',
        'boot-file-name': 'lpxelinux.0',
      },
    ],
  });
});
