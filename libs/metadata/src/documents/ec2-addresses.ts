import ipaddr from 'ipaddr.js';

/** 10.1.0.0/24 of 10.1.0.5 in it. */
export const subnetOf = ({ address, prefixLength }: { address: string; prefixLength: number }): string =>
  `${ipaddr.IPv4.networkAddressFromCIDR(`${address}/${prefixLength}`).toString()}/${prefixLength}`;

/** Whether all the world can send to it. */
export const isPublicIpv4 = (address: string): boolean => ipaddr.IPv4.parse(address).range() === 'unicast';
