import type { ConfigurationView } from '#contract';
import { bytes as sizeText } from './quantities.js';
import type { Fact } from './table.js';

type Part = ConfigurationView['vendorData'][number];
type Link = NonNullable<ConfigurationView['network']>['links'][number];

/** Lines of the details of an instance, or of defaults, which may have any of them. A value that was not given at spawn has its source behind it. */
export function configurationFacts(configuration: Partial<ConfigurationView>): Fact[] {
  const { sshKeys = [], hasPassword, vendorData = [], files = [] } = configuration;
  const { metadata = {}, network, sources = {} } = configuration;
  const from = (field: string) => sourceText(sources[field]);
  return [
    ['SSH keys', sshKeys.map((key, index) => keyName(key) + from(`sshKeys.${index}`)).join('\n')],
    ['Password', hasPassword ? `set${from('passwordHash')}` : null],
    ['User data', userDataText(configuration) + from('userData')],
    ['Vendor data', vendorData.map((part, index) => partText(part) + from(`vendorData.${index}`)).join('\n')],
    [
      'Files',
      files.map(({ path, bytes }) => `${path}, ${sizeText(bytes)}${from(`files.${path}`)}`).join('\n'),
    ],
    [
      'Metadata',
      Object.entries(metadata)
        .map(([key, value]) => `${key}=${value}${from(`metadata.${key}`)}`)
        .join('\n'),
    ],
    ['Network', network && networkText(network) + from('network')],
    ['Config drive', driveText(configuration)],
  ];
}

function sourceText(source: string | undefined): string {
  return source === undefined || source === 'spawn' ? '' : ` (from the ${source})`;
}

function driveText({ configDrive, readyMadeDrive }: Partial<ConfigurationView>): string | undefined {
  if (readyMadeDrive) return 'ready-made';
  if (configDrive === undefined) return undefined;
  return configDrive ? 'yes' : 'no';
}

function userDataText({ userData }: Partial<ConfigurationView>): string {
  if (!userData) return '';
  return userData.parts?.map(partText).join('\n') ?? `${sizeText(userData.bytes ?? 0)} as given`;
}

function partText({ item, type, fileName }: Part): string {
  return item ?? `${fileName ?? ''} (${type ?? ''})`;
}

function networkText({ links, addresses, dns }: NonNullable<ConfigurationView['network']>): string {
  const lines = links.map((link) => {
    const own = addresses.filter((each) => each.link === link.id);
    const texts = own.map((each) =>
      each.type === 'static' ? `${each.address}${gatewayText(each)}` : each.type,
    );
    return [linkText(link), ...texts].join(' ');
  });
  return [...lines, ...(dns.servers.length > 0 ? [`DNS ${dns.servers.join(' ')}`] : [])].join('\n');
}

const gatewayText = ({ gateway }: { gateway?: string }) => (gateway === undefined ? '' : ` by ${gateway}`);

function linkText(link: Link): string {
  switch (link.type) {
    case 'phy':
      return `${link.id}: ${link.nic ?? link.mac ?? ''}`;
    case 'bond':
      return `${link.id}: bond of ${link.members.join(', ')}`;
    case 'vlan':
      return `${link.id}: VLAN ${link.vlanId} on ${link.link}`;
  }
}

/** `ssh-ed25519 …3NzaC1l me@desk`: enough to tell keys apart. */
function keyName(key: string): string {
  const [kind = '', digits = '', ...comment] = key.split(' ');
  return [kind, `…${digits.slice(-8)}`, ...comment].join(' ');
}
