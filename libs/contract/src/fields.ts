import { z } from 'zod';

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const macPattern = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/;

/** `AA-BB-CC-DD-EE-FF`, `aabb.ccdd.eeff` and `AABBCCDDEEFF` become `aa:bb:cc:dd:ee:ff`; anything else stays as it is. */
function normaliseMac(text: string): string {
  const digits = text.trim().toLowerCase().replace(/[:.-]/g, '');
  return /^[0-9a-f]{12}$/.test(digits) ? digits.replace(/(..)(?=.)/g, '$1:') : text;
}

/** Of one network card: not a group address, not all zeros. */
function isUnicastMac(mac: string): boolean {
  return macPattern.test(mac) && (parseInt(mac.slice(0, 2), 16) & 1) === 0 && mac !== '00:00:00:00:00:00';
}

export const macInput = z
  .string()
  .max(64)
  .overwrite(normaliseMac)
  .refine(
    isUnicastMac,
    'is not the MAC address of a network card: six bytes in hexadecimal such as 52:54:00:12:34:56',
  )
  .meta({
    description:
      'MAC address; colons, dashes, dots or nothing between the digits. Kept in lower case with colons.',
    examples: ['52:54:00:12:34:56'],
  });

export const mac = z
  .string()
  .regex(macPattern)
  .meta({ description: 'MAC address', examples: ['52:54:00:12:34:56'] });

export const ipv4 = z
  .ipv4('is not an IPv4 address: four numbers from 0 to 255 such as 10.77.0.21')
  .meta({ description: 'IPv4 address', examples: ['10.77.0.21'] });

const hostPattern =
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/** A name, or an address: what is all digits and dots must be a whole IPv4 address. */
function isHost(text: string): boolean {
  return /^[\d.]+$/.test(text) ? z.ipv4().safeParse(text).success : hostPattern.test(text);
}

export const host = z
  .string()
  .refine(isHost, 'is neither an IPv4 address nor a host name')
  .meta({ description: 'IPv4 address or host name', examples: ['10.77.0.101'] });

export const port = z
  .int('is not a whole number')
  .min(1, 'is not a port: 1 to 65535')
  .max(65535, 'is not a port: 1 to 65535');

export const vlanMin = 1;
export const vlanMax = 4094;

export const vlanId = z
  .int()
  .min(vlanMin, 'is not a VLAN: 1 to 4094')
  .max(vlanMax, 'is not a VLAN: 1 to 4094')
  .meta({ description: 'VLAN id' });

export const clusterPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
export const cluster = z.string().regex(clusterPattern, 'is not a cluster name');

export const uuid = z.uuid('is not a UUID');

/** A name people give. Never a UUID, because wherever an id is taken a name is taken too. */
export const name = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
    'is not a name: letters, digits, dot, dash, underscore; at most 63',
  )
  .refine((text) => !uuidPattern.test(text), 'may not have the form of a UUID, which is what ids look like');

export const idOrName = z.string().min(1).max(63).meta({ description: 'Id or name' });

export const hostName = z
  .string()
  .refine((text) => hostPattern.test(text) && !/^[\d.]+$/.test(text), 'is not a host name')
  .meta({ description: 'Host name of the installed OS', examples: ['db1'] });

export const sha256Input = z
  .string()
  .overwrite((text) => text.trim().toLowerCase())
  .regex(/^[0-9a-f]{64}$/, 'is not a SHA-256 digest: 64 hexadecimal digits');

export const sha512Input = z
  .string()
  .overwrite((text) => text.trim().toLowerCase())
  .regex(/^[0-9a-f]{128}$/, 'is not a SHA-512 digest: 128 hexadecimal digits');

export const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

export const timestamp = z.iso
  .datetime()
  .meta({ description: 'UTC, ISO 8601', examples: ['2026-01-31T12:00:00.000Z'] });

export const labelKey = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/, 'is not a label key: letters, digits, . _ / -; at most 63');

export const labels = z
  .record(labelKey, z.string().max(255))
  .refine((all) => Object.keys(all).length <= 64, 'has more than 64 labels')
  .meta({ description: 'Labels of your own: keys and values', examples: [{ rack: 'a3' }] });

/** Why somebody does what others will ask about. */
export const reason = z
  .string()
  .overwrite((text) => text.trim())
  .min(1, 'is empty: say why, for whoever finds it')
  .max(1024)
  .meta({ description: 'Why, for whoever finds it', examples: ['the fan is being changed'] });

/** A switch in a query string, off when it is not there. */
export const flagInText = z.stringbool({ truthy: ['true'], falsy: ['false'] }).default(false);

/** A number in a query string or a cell of a table. */
export const numberInText = (schema: z.ZodType<number>) =>
  z.preprocess((value) => (typeof value === 'string' && value.trim() !== '' ? Number(value) : value), schema);

/** Several values in a query string: `a,b`, or the parameter given several times. */
export const listInText = <Item extends z.ZodType>(item: Item) =>
  z.preprocess(
    (value) => (typeof value === 'string' ? value.split(',') : value),
    z.array(item).min(1).max(32),
  );

const zeros = '00000000-0000-0000-0000-000000000000';

/** The first digits of an id, dashes included; four at least, so that it names few. */
export const uuidPrefix = z
  .string()
  .refine(
    (text) => text.length >= 4 && uuidPattern.test(text + zeros.slice(text.length)),
    'is not the beginning of a UUID: four digits at least',
  );
