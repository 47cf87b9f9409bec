import { BlockList, isIP } from 'node:net';

/** An address with its family, 4 or 6, as a resolver and a socket give it. */
export interface HostAddress {
  address: string;
  family: number;
}

/**
 * A set of addresses and networks such as `10.1.0.0/16`. Two lists, since one of both families would find every IPv4 address in
 * `::/3`, where it stands mapped.
 */
export class Networks {
  private readonly v4 = new BlockList();
  private readonly v6 = new BlockList();

  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const [address = '', bits] = network.split('/');
      if (isIP(address) === 4) this.v4.addSubnet(address, Number(bits ?? 32), 'ipv4');
      else this.v6.addSubnet(address, Number(bits ?? 128), 'ipv6');
    }
  }

  /** An IPv4 address that is mapped into IPv6 is found by either. */
  has({ address, family }: HostAddress): boolean {
    if (family === 4) return this.v4.check(address, 'ipv4');
    return this.v4.check(address, 'ipv6') || this.v6.check(address, 'ipv6');
  }
}
