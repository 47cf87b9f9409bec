import type { BootMode } from '#core';
import { type BootProgram, bootPrograms } from './boot-programs.js';

/** What to set on a DHCP server that is already there, so that machines boot from dodai. */
export interface SiteDhcpOptions {
  /** The field `siaddr`, also called next-server. */
  nextServer: string;
  /** DHCP option 66. */
  tftpServerName: string;
  /** The field `file`, and DHCP option 67: by what the firmware says it is in option 93. */
  bootFiles: { bootMode: BootMode; clientArchitectures: readonly number[]; file: string }[];
  /** Ready to paste, per server program. */
  snippets: { dnsmasq: string; iscDhcpd: string; kea: string };
}

/** `serverAddress` is where machines reach the TFTP server of this controller. */
export function siteDhcpOptions(serverAddress: string): SiteDhcpOptions {
  return {
    nextServer: serverAddress,
    tftpServerName: serverAddress,
    bootFiles: bootPrograms.map(({ tag, ...rest }) => ({ bootMode: tag, ...rest })),
    snippets: {
      dnsmasq: join(bootPrograms.flatMap((each) => dnsmasq(each, serverAddress))),
      iscDhcpd: join([
        'option dodai-arch code 93 = string;',
        ...bootPrograms.flatMap((each) => iscDhcpd(each, serverAddress)),
      ]),
      kea: join([
        JSON.stringify({ 'client-classes': bootPrograms.map((each) => kea(each, serverAddress)) }, null, 2),
      ]),
    },
  };
}

function dnsmasq({ tag, clientArchitectures, file }: BootProgram, serverAddress: string): string[] {
  return [
    ...clientArchitectures.map((number) => `dhcp-match=set:${tag},option:client-arch,${number}`),
    `dhcp-boot=tag:${tag},${file},,${serverAddress}`,
  ];
}

function iscDhcpd({ tag, clientArchitectures, file }: BootProgram, serverAddress: string): string[] {
  const isArchitecture = clientArchitectures.map((number) => `option dodai-arch = ${hex(number, ':')}`);
  return [
    `class "dodai-${tag}" {`,
    `  match if substring(option vendor-class-identifier, 0, 9) = "PXEClient" and (${isArchitecture.join(' or ')});`,
    `  next-server ${serverAddress};`,
    `  filename "${file}";`,
    '}',
  ];
}

function kea({ tag, clientArchitectures, file }: BootProgram, serverAddress: string) {
  return {
    name: `dodai-${tag}`,
    test: clientArchitectures.map((number) => `option[93].hex == 0x${hex(number, '')}`).join(' or '),
    'next-server': serverAddress,
    'boot-file-name': file,
  };
}

function hex(number: number, separator: string): string {
  return [number >> 8, number & 0xff].map((byte) => byte.toString(16).padStart(2, '0')).join(separator);
}

function join(lines: string[]): string {
  return `${lines.join('\n')}\n`;
}
