import { createHash } from 'node:crypto';
import {
  cardOf,
  type ConfiguredFile,
  type DoctorCheck,
  type GuestInterface,
  type GuestReport,
  type InstanceConfiguration,
  type NetworkAddress,
  type NetworkConfiguration,
  type Nic,
} from '#core';

/** What was asked for. */
export interface Asked {
  hostName: string;
  configuration: InstanceConfiguration;
  /** Of its machine; empty: it has none any more. */
  nics: Nic[];
}

const check = (field: string, asked: string, found: string, isOk: boolean): DoctorCheck => ({
  field,
  asked,
  found,
  verdict: isOk ? 'ok' : 'differs',
});

const unknown = (field: string, asked: string, found: string): DoctorCheck => ({
  field,
  asked,
  found,
  verdict: 'unknown',
});

/** Everything that was asked for and that an OS can tell of, in the order of the configuration. */
export function checksOf({ hostName, configuration, nics }: Asked, report: GuestReport): DoctorCheck[] {
  return [
    check('hostName', hostName, report.hostName, isHostName(report.hostName, hostName)),
    ...configuration.sshKeys.map((key, index) => keyCheck(key, index, report)),
    ...networkChecks({ network: configuration.network, nics }, report),
    ...configuration.files.map((file) => fileCheck(file, report)),
    ...userDataChecks(configuration, report),
    ...cloudInitChecks(report),
  ];
}

/** The kernel's name of a host may be without its domain. */
function isHostName(found: string, asked: string): boolean {
  return found === asked || found === asked.split('.')[0];
}

/** As `ssh-keygen -l` shows it. */
function fingerprint(key: string): string {
  const [, base64 = ''] = key.split(' ');
  const digest = createHash('sha256').update(Buffer.from(base64, 'base64')).digest('base64');
  return `SHA256:${digest.replace(/=+$/, '')}`;
}

function keyCheck(key: string, index: number, { authorizedKeys }: GuestReport): DoctorCheck {
  const wanted = fingerprint(key);
  const accounts = Object.entries(authorizedKeys).filter(([, keys]) => keys.includes(wanted));
  const found =
    accounts.length === 0 ? 'opens no account' : `opens ${accounts.map(([name]) => name).join(', ')}`;
  return check(`sshKeys.${index}`, `${wanted} opens an account`, found, accounts.length > 0);
}

interface Wired {
  network: NetworkConfiguration | null;
  nics: Nic[];
}

function networkChecks(wired: Wired, { addresses }: GuestReport): DoctorCheck[] {
  return (wired.network?.addresses ?? []).map((address, index) => {
    const field = `network.addresses.${index}`;
    const asked = address.type === 'static' ? address.address : `${address.link} by ${address.type}`;
    if (addresses === null) return unknown(field, asked, 'the OS has no program that tells');
    return address.type === 'static'
      ? staticCheck(field, address.address, addresses)
      : dynamicCheck(field, asked, address, { ...wired, addresses });
  });
}

function staticCheck(field: string, asked: string, interfaces: GuestInterface[]): DoctorCheck {
  const holder = interfaces.find(({ addr_info = [] }) =>
    addr_info.some(({ local, prefixlen }) => `${local}/${prefixlen}` === asked),
  );
  const found = holder ? `${asked} on ${holder.ifname}` : 'on no interface';
  return check(field, asked, found, holder !== undefined);
}

interface Seen extends Wired {
  addresses: GuestInterface[];
}

/** A card is known by its MAC address, a bond or VLAN by its name. */
function dynamicCheck(
  field: string,
  asked: string,
  { link: id, type }: NetworkAddress,
  seen: Seen,
): DoctorCheck {
  const link = seen.network?.links.find((each) => each.id === id);
  const mac = link?.type === 'phy' ? (link.mac ?? cardOf(link, seen.nics)?.mac) : undefined;
  const card = seen.addresses.find(({ ifname, address }) =>
    mac === undefined ? ifname === id : address === mac,
  );
  if (!card) return unknown(field, asked, `no interface is called ${id}`);
  const family = type === 'dhcp4' ? 'inet' : 'inet6';
  const own = (card.addr_info ?? []).filter((each) => each.family === family && each.scope === 'global');
  const found = own.length === 0 ? `${card.ifname} has none` : own.map(({ local }) => local ?? '').join(', ');
  return check(field, asked, found, own.length > 0);
}

function fileCheck({ path, base64, mode, owner }: ConfiguredFile, { files }: GuestReport): DoctorCheck {
  const field = `files.${path}`;
  const sha256 = createHash('sha256').update(Buffer.from(base64, 'base64')).digest('hex');
  const asked = fileText({ sha256, mode, owner });
  const file = files.find((each) => each.path === path);
  if (!file) return unknown(field, asked, 'the OS does not tell');
  const found = file.sha256 === null ? 'is not there' : fileText(file);
  return check(field, asked, found, found === asked);
}

function fileText({
  sha256,
  mode,
  owner,
}: {
  sha256: string | null;
  mode: string | null;
  owner: string | null;
}): string {
  return `${mode?.padStart(4, '0')} ${owner} sha256 ${sha256?.slice(0, 12)}…`;
}

/** With cloud-init its own verdict tells. */
function userDataChecks({ userData }: InstanceConfiguration, report: GuestReport): DoctorCheck[] {
  if (userData === null || report.cloudInit !== null) return [];
  const { userDataStatus } = report;
  if (userDataStatus === null) return [unknown('userData', 'ends with status 0', 'had not ended')];
  return [
    check('userData', 'ends with status 0', `ended with status ${userDataStatus}`, userDataStatus === 0),
  ];
}

function cloudInitChecks({ cloudInit }: GuestReport): DoctorCheck[] {
  if (cloudInit === null) return [];
  const errors = Array.isArray(cloudInit.errors) ? cloudInit.errors.map(String) : [];
  const found = [cloudInit.status, ...errors].join('; ');
  return [
    check('cloudInit', 'done, without errors', found, cloudInit.status === 'done' && errors.length === 0),
  ];
}
