import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type HostAddress, Networks } from '#platform';

/**
 * Networks that are not for everybody: the special-purpose address registries of IANA (RFC 6890), those that are not
 * globally reachable, and multicast. Of IPv6 only 2000::/3 is given out (RFC 4291, 2.4); what wraps an IPv4 address
 * (mapped, NAT64, 6to4, Teredo) is not taken either.
 */
const special: readonly { called: string; networks: readonly string[] }[] = [
  { called: 'a loopback address', networks: ['127.0.0.0/8', '::1/128'] },
  { called: 'a link-local address', networks: ['169.254.0.0/16', 'fe80::/10'] },
  {
    called: 'a private address',
    networks: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'],
  },
  {
    called: 'not a public address',
    networks: [
      ...['0.0.0.0/8', '192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '198.18.0.0/15', '198.51.100.0/24'],
      ...['203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
      ...['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'],
      ...['::/3', '4000::/2', '8000::/1'],
    ],
  },
];

const notPublic = special.map(({ called, networks }) => ({ called, networks: new Networks(networks) }));

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address));
}

/**
 * Which addresses the controller may be sent to on somebody's word. It stands where others cannot reach, next to BMCs
 * and to itself, so what is local is refused unless the operator has allowed it.
 */
export class AddressPolicy {
  private readonly networks: Networks;
  private readonly hosts: ReadonlySet<string>;

  /** `allow`: host names, addresses, and networks such as `10.1.0.0/16`. */
  constructor(
    allow: readonly string[],
    private readonly own: () => readonly string[] = ownAddresses,
  ) {
    const isNetwork = (entry: string) => isIP(entry.split('/')[0] ?? '') !== 0;
    this.networks = new Networks(allow.filter(isNetwork));
    this.hosts = new Set(allow.filter((entry) => !isNetwork(entry)).map((entry) => entry.toLowerCase()));
  }

  /** Why not, as it ends `it is …`; undefined: it may be gone to. `host`: as it stands in the URL. */
  refusalOf(host: string, { address, family }: HostAddress): string | undefined {
    const plain = { address: address.split('%')[0] ?? address, family }; // without the interface it is on
    if (this.hosts.has(host.toLowerCase()) || this.networks.has(plain)) return undefined;
    const found = notPublic.find(({ networks }) => networks.has(plain));
    if (found) return found.called;
    return this.own().includes(plain.address) ? 'an address of this controller' : undefined;
  }
}
