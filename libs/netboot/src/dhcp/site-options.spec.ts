import { expect, it } from 'vitest';
import { siteDhcpOptions } from './site-options.js';

it('says what to set on the DHCP server of the site', () => {
  const options = siteDhcpOptions('10.0.0.1');
  expect(options).toMatchObject({
    nextServer: '10.0.0.1',
    tftpServerName: '10.0.0.1',
    bootFiles: [
      { bootMode: 'bios', file: 'lpxelinux.0' },
      { bootMode: 'uefi', clientArchitectures: [7, 9], file: 'bootx64.efi' },
    ],
  });
  expect(options.snippets.dnsmasq).toBe(
    `dhcp-match=set:bios,option:client-arch,0
dhcp-boot=tag:bios,lpxelinux.0,,10.0.0.1
dhcp-match=set:uefi,option:client-arch,7
dhcp-match=set:uefi,option:client-arch,9
dhcp-boot=tag:uefi,bootx64.efi,,10.0.0.1
`,
  );
  expect(options.snippets.iscDhcpd).toBe(`option dodai-arch code 93 = string;
class "dodai-bios" {
  match if substring(option vendor-class-identifier, 0, 9) = "PXEClient" and (option dodai-arch = 00:00);
  next-server 10.0.0.1;
  filename "lpxelinux.0";
}
class "dodai-uefi" {
  match if substring(option vendor-class-identifier, 0, 9) = "PXEClient" and (option dodai-arch = 00:07 or option dodai-arch = 00:09);
  next-server 10.0.0.1;
  filename "bootx64.efi";
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
      {
        name: 'dodai-uefi',
        test: 'option[93].hex == 0x0007 or option[93].hex == 0x0009',
        'next-server': '10.0.0.1',
        'boot-file-name': 'bootx64.efi',
      },
    ],
  });
});
