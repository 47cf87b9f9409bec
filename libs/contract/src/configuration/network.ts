import { bondModes, dynamicAddressTypes, type NetworkConfiguration, nicRoles } from '#core';
import { z } from 'zod';
import * as f from '../fields.js';
import { isAddress, isNetwork, withPrefix } from './addresses.js';
import { networkFaults } from './network-faults.js';

/** IFNAMSIZ of Linux leaves 15 characters; what a shell or a configuration file could misread is not among them. */
const linkId = z
  .string()
  .regex(
    /^[A-Za-z][A-Za-z0-9_.-]{0,14}$/,
    'is not a name of a link: a letter, then letters, digits, _ . -; at most 15',
  );

const mtu = z
  .int()
  .min(576, 'is smaller than 576 bytes, which every host takes')
  .max(9216, 'is larger than the 9216 bytes that cards take')
  .optional()
  .meta({ description: 'Bytes; default: what the kernel chooses' });

const common = { id: linkId, mtu };

const link = z.discriminatedUnion(
  'type',
  [
    z.strictObject({
      ...common,
      type: z.literal('phy'),
      mac: f.macInput.optional(),
      nic: z
        .enum(nicRoles)
        .optional()
        .meta({ description: 'By its role in the inventory, on whichever machine' }),
    }),
    z.strictObject({
      ...common,
      type: z.literal('bond'),
      members: z.array(linkId).min(1, 'is empty: a bond has one member at least').max(16),
      mode: z.enum(bondModes).default('active-backup'),
      miimonMs: z
        .int()
        .min(0)
        .max(60_000)
        .default(100)
        .meta({ description: 'Between two looks at the link' }),
    }),
    z.strictObject({ ...common, type: z.literal('vlan'), link: linkId, vlanId: f.vlanId }),
  ],
  'is no link: its type is phy, bond or vlan',
);

const address = z.string().refine(isAddress, 'is not an IP address');

const route = z.strictObject({
  to: z.string().refine(isNetwork, 'is not a network such as 10.2.0.0/16, with zeros behind the prefix'),
  via: address,
});

const given = z.discriminatedUnion(
  'type',
  [
    z
      .strictObject({
        type: z.literal('static'),
        link: linkId,
        address: z
          .string()
          .meta({ description: 'With its prefix length: 10.1.0.5/24; or without, and a subnet' }),
        subnet: z
          .string()
          .refine(isNetwork, 'is not a network such as 10.1.0.0/24, with zeros behind the prefix')
          .optional(),
        gateway: address.optional().meta({ description: 'The default route of its family' }),
        routes: z.array(route).max(64).optional(),
      })
      .transform(({ subnet, ...same }, { issues }) => {
        const whole = withPrefix(same.address, subnet);
        if (!('fault' in whole)) return { ...same, address: whole.address };
        issues.push({ code: 'custom', path: ['address'], message: whole.fault, input: same.address });
        return z.NEVER;
      }),
    z.strictObject({ type: z.enum(dynamicAddressTypes), link: linkId }),
  ],
  `is no address: its type is static, ${dynamicAddressTypes.join(', ')}`,
);

const dns = z.strictObject({
  servers: z.array(address).max(8).default([]),
  searchDomains: z.array(f.hostName).max(16).default([]),
});

export const network = z
  .strictObject({
    links: z.array(link).max(64).default([]),
    addresses: z.array(given).max(256).default([]),
    dns: dns.default({ servers: [], searchDomains: [] }),
  })
  .check(({ value, issues }) => {
    for (const { path, message } of networkFaults(value as NetworkConfiguration))
      issues.push({ code: 'custom', path, message, input: value });
  })
  .meta({
    description:
      'Links, and the addresses on them. The card that the machine boots from is configured by DHCP where it is not named',
    examples: [
      {
        links: [{ id: 'service', type: 'phy', nic: 'service1' }],
        addresses: [{ type: 'static', link: 'service', address: '10.1.0.5/24', gateway: '10.1.0.1' }],
        dns: { servers: ['10.1.0.2'] },
      },
    ],
  });
