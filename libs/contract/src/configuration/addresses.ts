import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Four numbers; the short and octal forms that ipaddr.js knows mean one thing here and another there. */
export function isAddress(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || (ipaddr.IPv6.isValid(text) && !text.includes('%'));
}

/** `10.1.0.5/24`; undefined when it is none. */
function parseCidr(text: string): { address: Address; prefix: number } | undefined {
  const [address = '', prefix = ''] = text.split('/');
  if (!isAddress(address) || !/^\d{1,3}$/.test(prefix) || !ipaddr.isValidCIDR(text)) return undefined;
  const [parsed, length] = ipaddr.parseCIDR(text);
  return { address: parsed, prefix: length };
}

/** A network, with nothing behind its prefix. */
export function isNetwork(text: string): boolean {
  const cidr = parseCidr(text);
  return cidr !== undefined && firstOf(cidr).toString() === cidr.address.toString();
}

function firstOf({ address, prefix }: { address: Address; prefix: number }): Address {
  const text = `${address.toString()}/${prefix}`;
  return address.kind() === 'ipv4'
    ? ipaddr.IPv4.networkAddressFromCIDR(text)
    : ipaddr.IPv6.networkAddressFromCIDR(text);
}

/** The same address has many spellings. */
export function plain(address: string): string {
  return ipaddr.parse(address).toString();
}

export function familyOf(address: string): 'ipv4' | 'ipv6' {
  return ipaddr.parse(address).kind();
}

/** Whether the address is one of a host in the network of the other one. */
export function isWithin(address: string, cidr: string): boolean {
  const subnet = parseCidr(cidr);
  const parsed = ipaddr.parse(address);
  return (
    subnet !== undefined &&
    parsed.kind() === subnet.address.kind() &&
    parsed.match(subnet.address, subnet.prefix)
  );
}

/** RFC 4291, 2.5.6: reachable on every link, whatever its networks. */
export function isLinkLocal(address: string): boolean {
  return ipaddr.parse(address).range() === 'linkLocal';
}

/** Ranges that no interface has an address of. */
const nobodys = ['unspecified', 'broadcast', 'multicast', 'loopback'];

/** Why no host has this address (with its prefix); undefined: one may. */
function hostFault(cidr: string): string | undefined {
  const parsed = parseCidr(cidr);
  if (!parsed) return 'is not an address with its prefix length, such as 10.1.0.5/24';
  const { address, prefix } = parsed;
  if (nobodys.includes(address.range())) return `is ${address.range()}: no host has such an address`;
  if (address.kind() === 'ipv6') return undefined;
  if (prefix < 8) return `has the prefix /${prefix}, which is no subnet of one`;
  if (prefix > 30) return undefined; // RFC 3021, and single hosts
  if (firstOf(parsed).toString() === address.toString())
    return 'is outside its subnet: it is the address of the subnet itself';
  const last = ipaddr.IPv4.broadcastAddressFromCIDR(cidr).toString();
  return last === address.toString() ? 'is outside its subnet: it is the broadcast address' : undefined;
}

/** An address that is given with its prefix, or beside its subnet, with its prefix. */
export function withPrefix(
  address: string,
  subnet: string | undefined,
): { address: string } | { fault: string } {
  const isWhole = address.includes('/');
  if (!isWhole && !isAddress(address)) return { fault: 'is not an IP address' };
  if (!isWhole && subnet === undefined)
    return { fault: 'has no prefix length: write it as 10.1.0.5/24, or give its subnet' };
  const whole = isWhole ? address : `${address}/${subnet?.split('/')[1]}`;
  const parsed = parseCidr(whole);
  if (!parsed) return { fault: 'is not an address with its prefix length, such as 10.1.0.5/24' };
  const bare = parsed.address.toString();
  if (subnet !== undefined && (!isWithin(bare, subnet) || !subnet.endsWith(`/${parsed.prefix}`)))
    return { fault: `is outside its subnet ${subnet}` };
  const fault = hostFault(whole);
  return fault === undefined ? { address: `${bare}/${parsed.prefix}` } : { fault };
}
