import type { MachinePatch } from '#contract';
import { bootModes } from '#core';
import { type Command, Option } from 'commander';
import type { BmcPasswordOptions } from '../bmc-password.js';
import { asGiven, clearable, keyValue, wholeNumber, withNulls } from '../option-values.js';

/** What commander makes of the options below: an option's name is that of the API's field. */
export type MachineOptions = Omit<MachinePatch, 'name' | 'bmcPassword' | 'labels' | 'rootDeviceHint'> &
  BmcPasswordOptions & { label?: Record<string, string>; rootDisk?: Record<string, string> };

const plain: [flags: string, description: string, parse?: (text: string) => unknown][] = [
  ['--instance-type <name>', 'its instance type'],
  ['--bmc-host <address>', 'address or host name of its BMC'],
  ['--bmc-user <user>', 'IPMI user'],
  ['--bmc-password-file <file>', 'file with the IPMI password'],
  ['--bmc-password-stdin', 'read the IPMI password from standard input'],
  ['--pxe-mac <mac>', 'MAC address of the card it network-boots from'],
  ['--pxe-ip <ip>', 'address it gets when it network-boots', clearable(asGiven)],
  ['--bmc-port <port>', 'UDP port of the BMC (default: 623)', wholeNumber],
  ['--bmc-cipher-suite <n>', 'IPMI cipher suite, 3 or 17 (default: 3)', wholeNumber],
  ['--vcpus <n>', 'CPU threads (default: of the instance type)', wholeNumber],
  ['--memory-mb <MiB>', 'memory (default: of the instance type)', wholeNumber],
  ['--local-gb <GB>', 'disk (default: of the instance type)', wholeNumber],
  ['--availability-zone <zone>', 'zone (default: resource_pool)'],
  ['--storage-mac <mac>', 'MAC address on the storage network', clearable(asGiven)],
  ['--storage-ip <ip>', 'address on the storage network', clearable(asGiven)],
  ['--service-ip <ip>', 'address on the service network', clearable(asGiven)],
  ['--service-mac1 <mac>', 'first MAC address on the service network', clearable(asGiven)],
  ['--service-mac2 <mac>', 'second MAC address on the service network', clearable(asGiven)],
  ['--switch-port1 <n>', 'port of the first switch it is wired to', clearable(wholeNumber)],
  ['--switch-port2 <n>', 'port of the second switch it is wired to', clearable(wholeNumber)],
  ['--dpid1 <id>', 'datapath id of the first switch', clearable(asGiven)],
  ['--dpid2 <id>', 'datapath id of the second switch', clearable(asGiven)],
  ['--vlan-id <id>', 'VLAN', clearable(wholeNumber)],
];

export function withMachineOptions(command: Command, mandatory: string[] = []): Command {
  for (const [flags, description, parse] of plain) {
    const option = new Option(flags, description);
    if (parse) option.argParser(parse);
    command.addOption(option.makeOptionMandatory(mandatory.includes(option.name())));
  }
  return command
    .addOption(new Option('--boot-mode <mode>', 'firmware it boots with (default: bios)').choices(bootModes))
    .option('--label <key=value>', 'a label of your own; may be repeated', keyValue)
    .option(
      '--root-disk <key=value>',
      'disk the OS goes to: serial, wwn, model, path, minSizeGb, maxSizeGb, rotational, transport, nvmeNamespace; may be repeated, all must match',
      keyValue,
    );
}

/** The part of a request that the options say. */
export function machineFields(options: MachineOptions) {
  const { label: _label, rootDisk, bmcPasswordFile: _file, bmcPasswordStdin: _stdin, ...fields } = options;
  return { ...withNulls(fields), ...(rootDisk && { rootDeviceHint: rootDeviceHint(rootDisk) }) };
}

/** Numbers and truth values are words on the command line. */
function rootDeviceHint(given: Record<string, string>): MachinePatch['rootDeviceHint'] {
  const typed = Object.entries(given).map(([key, value]) => {
    if (/^(min|max)SizeGb$/.test(key) && value.trim() !== '' && !Number.isNaN(Number(value))) {
      return [key, Number(value)];
    }
    return [key, key === 'rotational' && /^(true|false)$/.test(value) ? value === 'true' : value];
  });
  return Object.fromEntries(typed) as MachinePatch['rootDeviceHint'];
}
