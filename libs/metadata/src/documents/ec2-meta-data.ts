import type { Nic } from '#core';
import type { DescribedInstance } from '../described-instance.js';
import { knownIpv4, type ResolvedNetwork, resolvedNetwork } from '../network/resolved-network.js';
import { type Ec2Version, sinceEc2 } from './ec2-versions.js';
import { isPublicIpv4, subnetOf } from './ec2-addresses.js';
import { publicKeys } from './public-keys.js';

/** A value, or what is below a name. */
export type Ec2Value = string | { [name: string]: Ec2Value };
export type Ec2Values = { [name: string]: Ec2Value };

/**
 * EC2's metadata of one version, each name since the version that EC2 has it in. The instance id is dodai's own, as in every other
 * form: a machine that reads another form at its next start is no new instance to cloud-init. What is not known is left out.
 */
export function ec2MetaData(instance: DescribedInstance, version: Ec2Version): Ec2Values {
  const network = resolvedNetwork(instance);
  const ipv4 = knownIpv4(instance, network);
  const from = (first: Ec2Version, values: Ec2Values) => (sinceEc2(first, version) ? values : {});
  return {
    'instance-id': instance.id,
    'ami-launch-index': String(instance.configuration.launchIndex),
    'reservation-id': `r-${instance.id.slice(0, 8)}`,
    // Nothing between the machines filters: it is in no group.
    'security-groups': '',
    hostname: instance.hostName,
    ...(instance.imageId !== null && { 'ami-id': `ami-${instance.imageId}` }),
    ...(ipv4 !== null && { 'local-ipv4': ipv4 }),
    ...keyValues(instance),
    ...from('2007-01-19', {
      'local-hostname': instance.hostName,
      'public-hostname': instance.hostName,
      // There is no address translation: only what is public itself is.
      'public-ipv4': ipv4 !== null && isPublicIpv4(ipv4) ? ipv4 : '',
    }),
    ...from('2007-08-29', { 'instance-type': instance.instanceType }),
    ...from('2007-12-15', blockDevices(instance)),
    ...from('2008-02-01', { placement: { 'availability-zone': instance.availabilityZone } }),
    ...from('2008-09-01', { 'instance-action': 'none' }),
    ...from('2011-01-01', cardValues(instance, network)),
  };
}

function keyValues({ configuration }: DescribedInstance): Ec2Values {
  const keys = publicKeys(configuration.sshKeys);
  if (keys.length === 0) return {};
  return {
    'public-keys': Object.fromEntries(keys.map(({ key }, index) => [String(index), { 'openssh-key': key }])),
  };
}

function blockDevices({ rootDevice }: DescribedInstance): Ec2Values {
  if (rootDevice === null) return {};
  return { 'block-device-mapping': { ami: rootDevice.replace(/^\/dev\//, ''), root: rootDevice } };
}

/**
 * This form knows no static addresses: cloud-init's EC2 source asks for DHCP on every card that it names. So there are only
 * the one that the machine boots from and those that are to have an address by DHCP.
 */
function cardValues(instance: DescribedInstance, network: ResolvedNetwork): Ec2Values {
  const [boot] = instance.nics;
  if (!boot) return {};
  const named = instance.nics.filter((nic) => nic === boot || hasDhcp(nic, network));
  const macs = named.map((nic) => [nic.mac, oneCard(instance, network, nic, instance.nics.indexOf(nic))]);
  return { mac: boot.mac, network: { interfaces: { macs: Object.fromEntries(macs) as Ec2Values } } };
}

const linksOf = ({ mac }: Nic, { links }: ResolvedNetwork) =>
  new Set(links.filter((link) => link.type === 'phy' && link.mac === mac).map(({ id }) => id));

function hasDhcp(nic: Nic, network: ResolvedNetwork): boolean {
  const links = linksOf(nic, network);
  return network.addresses.some(({ type, link }) => type === 'dhcp4' && links.has(link));
}

function oneCard(instance: DescribedInstance, network: ResolvedNetwork, nic: Nic, number: number): Ec2Values {
  const links = linksOf(nic, network);
  const fixed = network.addresses
    .filter((address) => address.type === 'static')
    .filter(({ link }) => links.has(link));
  const ipv4s = fixed.filter(({ family }) => family === 'ipv4');
  const ipv6s = fixed.filter(({ family }) => family === 'ipv6').map(({ address }) => address);
  const known = ipv4s.length > 0 ? ipv4s.map(({ address }) => address) : [nic.ip ?? []].flat();
  return {
    'device-number': String(number),
    'local-hostname': instance.hostName,
    mac: nic.mac,
    ...(known.length > 0 && { 'local-ipv4s': known.join('\n') }),
    ...(ipv6s.length > 0 && { ipv6s: ipv6s.join('\n') }),
    ...(ipv4s[0] && { 'subnet-ipv4-cidr-block': subnetOf(ipv4s[0]) }),
  };
}
