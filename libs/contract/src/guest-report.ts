import { z } from 'zod';

const mostAddresses = 256;
const mostAccounts = 64;
const mostKeys = 256;
const mostFiles = 1024;

const short = z.string().max(255);
const fingerprint = z.string().max(128);

/** An interface, as `ip -json address` has it. */
const guestInterface = z.looseObject({
  ifname: short,
  address: short.optional(),
  operstate: short.optional(),
  mtu: z.number().optional(),
  addr_info: z
    .array(
      z.looseObject({
        family: short,
        local: short.optional(),
        prefixlen: z.number().optional(),
        scope: short.optional(),
      }),
    )
    .max(mostAddresses)
    .optional(),
});

const guestFile = z.looseObject({
  path: z.string().max(4096),
  sha256: z.string().max(64).nullable().meta({ description: 'null: it is not there' }),
  mode: z.string().max(4).nullable().meta({ description: 'Four octal digits' }),
  owner: short.nullable().meta({ description: 'user:group' }),
});

/** What an installed OS says of itself when it is done; unknown members are kept, for an OS may be newer than its controller. */
export const guestReport = z
  .looseObject({
    hostName: short,
    bootId: short.nullable(),
    machineId: short.nullable(),
    kernel: short.nullable(),
    addresses: z
      .array(guestInterface)
      .max(mostAddresses)
      .nullable()
      .meta({ description: 'As `ip -json address` has them; null: the OS has no such program' }),
    authorizedKeys: z
      .record(z.string().max(64), z.array(fingerprint).max(mostKeys))
      .refine(
        (accounts) => Object.keys(accounts).length <= mostAccounts,
        `has more than ${mostAccounts} accounts`,
      )
      .meta({ description: 'SHA256 fingerprints of the keys that open each account' }),
    hostKeys: z.array(fingerprint).max(32).meta({ description: 'SHA256 fingerprints of its SSH server' }),
    cloudInit: z.looseObject({ status: short }).nullable().meta({
      description: '`cloud-init status --format json`; null: cloud-init does not configure this OS',
    }),
    userDataStatus: z.int().nullable().meta({
      description: 'What the user data ended with; null: none, it still runs, or cloud-init ran it',
    }),
    files: z.array(guestFile).max(mostFiles).meta({ description: 'The files by path that it was to get' }),
  })
  .meta({ id: 'GuestReport' });

export type GuestReport = z.infer<typeof guestReport>;
