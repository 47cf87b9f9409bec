import { shown } from '../../kinds/kind.js';
import type { ImageContents, TextFile } from '../reading/image-contents.js';
import { fault, listed, ok, type Requirement, warning } from './requirement.js';

const mac = String.raw`["']?[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}`;

/** Where a MAC address binds an operating system to one machine. */
const bindings: readonly { directory: string; name: RegExp; setting: RegExp }[] = [
  ...['/etc/sysconfig/network-scripts', '/etc/sysconfig/network'].map((directory) => ({
    directory,
    name: /^ifcfg-/,
    setting: new RegExp(`^\\s*HWADDR\\s*=\\s*${mac}`, 'mi'),
  })),
  {
    directory: '/etc/netplan',
    name: /\.ya?ml$/,
    setting: new RegExp(`^[^#\\n]*\\bmacaddress\\s*:\\s*${mac}`, 'mi'),
  },
  {
    directory: '/etc/NetworkManager/system-connections',
    name: /./,
    setting: new RegExp(`^\\s*mac-address\\s*=\\s*${mac}`, 'mi'),
  },
  {
    directory: '/etc/systemd/network',
    name: /\.(link|network|netdev)$/,
    setting: new RegExp(`^\\s*(Permanent)?MACAddress\\s*=\\s*${mac}`, 'mi'),
  },
  {
    directory: '/etc/network',
    name: /^interfaces$/,
    setting: new RegExp(`^\\s*hwaddress\\s+(ether\\s+)?${mac}`, 'mi'),
  },
];

const persistentRules = '/etc/udev/rules.d/70-persistent-net.rules';
const generatorRules = ['/etc/udev/rules.d', '/lib/udev/rules.d', '/usr/lib/udev/rules.d'].map(
  (directory) => `${directory}/75-persistent-net-generator.rules`,
);

/** What is no comment and no blank line. */
const hasRules = (text: string | undefined) => text !== undefined && /^\s*[^#\s]/m.test(text);

async function boundFiles(contents: ImageContents): Promise<TextFile[]> {
  const found: TextFile[] = [];
  for (const { directory, name, setting } of bindings) {
    found.push(...(await contents.matching(directory, name)).filter(({ text }) => setting.test(text)));
  }
  return found;
}

export const pinnedMac: Requirement = {
  check: 'pinned-mac',
  async look({ contents }) {
    const bound = await boundFiles(contents);
    if (bound.length > 0) {
      return fault(
        `It is bound to network cards of one machine: ${listed(bound.map(({ path }) => shown(path)))}.`,
        'Remove the MAC addresses from there (HWADDR, macaddress, mac-address, MACAddress), or the whole files.',
      );
    }
    const generator = await contents.firstOf(...generatorRules);
    if (generator !== undefined && hasRules(await contents.text(generator))) {
      return warning(
        `${generator} writes down the network cards of the machine that it is started on.`,
        'Make that file empty, so that cards keep their names when a card is replaced.',
      );
    }
    if (hasRules(await contents.text(persistentRules))) {
      return warning(
        `${persistentRules} has the network cards of the machine that the image was made on; dodai removes it.`,
        'Make that file empty in the image, for those who install it without dodai.',
      );
    }
    return ok('No network card is named in it by its MAC address.');
  },
};

export const identity: Requirement = {
  check: 'identity',
  async look({ contents }) {
    const machineId = ((await contents.text('/etc/machine-id')) ?? '').trim();
    const keys = (await contents.list('/etc/ssh')).filter((name) => /^ssh_host_.*_key$/.test(name));
    const found = [
      ...(/^[0-9a-f]{32}$/.test(machineId) ? ['a machine id'] : []),
      ...(keys.length > 0 ? ['SSH host keys'] : []),
    ];
    if (found.length === 0) return ok('It has no identity of a machine; each installation gets its own.');
    return ok(`It has ${listed(found)} in it, of which dodai makes new ones at each installation.`);
  },
};
