import { isCloudInitAtWork } from '../describing/cloud-init.js';
import type { ImageContents } from '../reading/image-contents.js';
import { enabledUnits } from './enabled-units.js';
import { fault, listed, ok, type Requirement, warning } from './requirement.js';

const servers = ['sshd', 'dropbear'].flatMap((name) => [`/usr/sbin/${name}`, `/sbin/${name}`]);
const serverUnits = ['ssh', 'sshd', 'dropbear'].flatMap((name) => [`${name}.service`, `${name}.socket`]);

export const sshServer: Requirement = {
  check: 'ssh-server',
  async look({ contents }) {
    if ((await contents.firstOf(...servers)) === undefined) {
      return fault(
        'It has no SSH server: nobody can log in over the network.',
        'Install one in the image (Debian, Ubuntu: openssh-server) and enable it.',
      );
    }
    const enabled = await enabledUnits(contents);
    if (serverUnits.some((unit) => enabled.has(unit))) return ok('An SSH server is installed and enabled.');
    return fault(
      'Its SSH server is installed, but nothing starts it.',
      'Enable it in the image: systemctl enable ssh (sshd on Fedora and its kin).',
    );
  },
};

const closes = /\b(drop|reject)\b/i;

/** The packet filters that are on; nftables and iptables only with a rule that turns something away. */
async function filters(contents: ImageContents): Promise<string[]> {
  const enabled = await enabledUnits(contents);
  const closing = async (...files: string[]) => {
    for (const file of files) if (closes.test(withoutComments(await contents.text(file)))) return true;
    return false;
  };
  const isOn: [name: string, on: boolean][] = [
    [
      'ufw',
      enabled.has('ufw.service') &&
        /^\s*ENABLED\s*=\s*"?yes/im.test((await contents.text('/etc/ufw/ufw.conf')) ?? ''),
    ],
    ['firewalld', enabled.has('firewalld.service')],
    [
      'nftables',
      enabled.has('nftables.service') &&
        (await closing('/etc/nftables.conf', '/etc/sysconfig/nftables.conf')),
    ],
    [
      'iptables',
      ['iptables.service', 'netfilter-persistent.service'].some((unit) => enabled.has(unit)) &&
        (await closing('/etc/iptables/rules.v4', '/etc/sysconfig/iptables')),
    ],
  ];
  return isOn.filter(([, on]) => on).map(([name]) => name);
}

const withoutComments = (text = '') => text.replace(/^\s*#.*$/gm, '');

export const firewall: Requirement = {
  check: 'firewall',
  async look({ contents }) {
    const on = await filters(contents);
    if (on.length === 0) return ok('No firewall is on.');
    return warning(
      `A firewall is on from the first boot (${listed(on)}), and may turn away SSH.`,
      `Let SSH in (TCP port 22), or disable it in the image (systemctl disable ${on[0]}) and set it up with user data.`,
    );
  },
};

/** sshd_config(5): the first value counts, and Debian and Fedora include the directory at the beginning. */
async function allowsRoot(contents: ImageContents): Promise<boolean> {
  const more = await contents.matching('/etc/ssh/sshd_config.d', /\.conf$/);
  const texts = [...more.map(({ text }) => text), (await contents.text('/etc/ssh/sshd_config')) ?? ''];
  const values = texts.map((text) => /^\s*PermitRootLogin[\s=]+"?([\w-]+)/im.exec(text)?.[1]);
  const value = values.find((each) => each !== undefined) ?? 'prohibit-password';
  return !/^(no|forced-commands-only)$/i.test(value);
}

async function hasAccount(contents: ImageContents): Promise<boolean> {
  const lines = ((await contents.text('/etc/passwd')) ?? '').split('\n');
  const uids = lines.map((line) => Number(line.split(':')[2]));
  return uids.some((uid) => uid >= 1000 && uid < 60_000);
}

export const owner: Requirement = {
  check: 'owner',
  async look({ contents }) {
    if (!(await hasAccount(contents)) && !(await allowsRoot(contents))) {
      return warning(
        'It has no account but root, whom its SSH server turns away: the keys that dodai puts in let nobody in.',
        'Make an account in the image (useradd --create-home), or set PermitRootLogin to prohibit-password.',
      );
    }
    if (await isCloudInitAtWork(contents)) return ok("It has cloud-init, which makes it its owner's.");
    return ok(
      'There is no cloud-init at work: dodai itself puts in host name, keys, password, files and network; of user data it runs scripts.',
    );
  },
};
