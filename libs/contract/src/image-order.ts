import { z } from 'zod';
import * as f from './fields.js';
import { type Digests, isSignedInItself, readSums } from './sums.js';

const isOpenPgp = (text: string) =>
  text.startsWith('-----BEGIN PGP ') || z.base64().min(1).safeParse(text).success;
const notOpenPgp = 'is neither ASCII-armored (-----BEGIN PGP …) nor base64';

/** What the operator calls an image, and what is known of its file: a digest, or a list that has one. */
const imageOrder = {
  name: f.name.meta({ description: 'Unique name', examples: ['debian-12'] }),
  sha256: f.sha256Input.optional().meta({ description: 'SHA-256 of the file as it is sent' }),
  sha512: f.sha512Input.optional().meta({ description: 'SHA-512 of the file as it is sent' }),
  sums: z.string().max(262_144, 'is longer than 256 KiB').optional().meta({
    description:
      'In place of a digest: the text of a SHA256SUMS or SHA512SUMS file, in the form of coreutils or BSD',
  }),
  sumsSignature: z
    .string()
    .max(65_536, 'is longer than 64 KiB')
    .refine(isOpenPgp, notOpenPgp)
    .optional()
    .meta({
      description:
        'Signature of sums: ASCII-armored, or the binary one in base64. Left out when sums is signed in itself',
    }),
  sumsKeyring: z
    .string()
    .max(524_288, 'is longer than 512 KiB')
    .refine(isOpenPgp, notOpenPgp)
    .optional()
    .meta({
      description:
        'Public keys of which one must have signed sums: ASCII-armored, or binary in base64. Without them no signature is checked',
    }),
  fileName: z
    .string()
    .min(1, 'is empty')
    .max(255, 'is longer than 255 characters')
    .optional()
    .meta({ description: 'The file that the list is asked for', examples: ['debian-12.ext4.zst'] }),
  defaultUser: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,31}$/, 'is not a user name')
    .optional()
    .meta({ description: 'User that SSH keys are put in for', examples: ['debian'] }),
};

type ImageOrder = z.output<z.ZodObject<typeof imageOrder>>;

/** A list of digests that somebody else must have signed. */
export interface SignedSums {
  text: string;
  fileName: string;
  /** undefined: the text is signed in itself. */
  signature: string | undefined;
  keyring: string;
}

/**
 * The digests in place of all the ways to give them; at least one is there, or the list that has it once its signature
 * was found to be right.
 */
function withDigests<Order extends ImageOrder>(order: Order, context: z.RefinementCtx) {
  const { sha256, sha512, sums, sumsSignature, sumsKeyring, fileName, ...rest } = order;
  const fault = (field: string, message: string) => {
    context.addIssue({ code: 'custom', path: [field], message });
    return z.NEVER;
  };
  if (sums === undefined) {
    const beside = Object.entries({ fileName, sumsSignature, sumsKeyring }).find(
      ([, given]) => given !== undefined,
    );
    if (beside) return fault(beside[0], 'is of use only beside sums');
    if (sha256 === undefined && sha512 === undefined)
      return fault('sha256', 'is missing: give sha256, sha512, or sums with fileName');
    return { ...rest, digests: { sha256, sha512 } as Digests, signedSums: undefined };
  }
  if (sha256 !== undefined || sha512 !== undefined)
    return fault('sums', 'is given beside a digest: give the one or the other');
  if (fileName === undefined) return fault('fileName', 'is missing: which line of sums is meant?');
  if (sumsKeyring === undefined && sumsSignature !== undefined)
    return fault('sumsKeyring', 'is missing: whose signature is it to be?');
  if (sumsKeyring !== undefined) {
    if (sumsSignature === undefined && !isSignedInItself(sums))
      return fault('sumsSignature', 'is missing: sums is not signed in itself');
    const signedSums: SignedSums = { text: sums, fileName, signature: sumsSignature, keyring: sumsKeyring };
    return { ...rest, digests: {} as Digests, signedSums };
  }
  const reading = readSums(sums, fileName);
  return 'fault' in reading
    ? fault('sums', reading.fault)
    : { ...rest, digests: reading.digests, signedSums: undefined };
}

export const imageUploadQuery = z.strictObject(imageOrder).transform(withDigests);

const hasNoCredentials = (text: string) =>
  !URL.canParse(text) || (new URL(text).username === '' && new URL(text).password === '');

/** Where an image is that the controller gets itself. */
export type ImageSource = { url: string } | { upload: string };

/**
 * An image that the controller gets itself, from a URL or from what was uploaded in pieces; a list of digests is asked for
 * the last part of the URL unless told otherwise.
 */
export const imageFetch = z
  .strictObject({
    ...imageOrder,
    url: z
      .url({ protocol: /^https?$/, error: 'is not a URL that begins with http:// or https://' })
      .max(2048, 'is longer than 2048 characters')
      .refine(hasNoCredentials, 'has a user name or password: they would be shown in logs and errors')
      .optional()
      .meta({
        description: 'Where the image is',
        examples: ['https://images.example.org/debian-12.ext4.zst'],
      }),
    upload: z
      .string()
      .regex(/^([0-9a-f]{64}|[0-9a-f]{128})$/, 'is not the name of an upload')
      .optional()
      .meta({
        description: 'In place of url: the upload (POST /v1/uploads, by the protocol tus 1.0) that has it',
      }),
  })
  .transform(({ url, upload, ...order }, context) => {
    const named =
      order.sums === undefined || url === undefined ? order.fileName : (order.fileName ?? fileNameOf(url));
    const wanted = withDigests({ ...order, fileName: named }, context);
    if (url !== undefined && upload === undefined) return { ...wanted, source: { url } as ImageSource };
    if (upload !== undefined && url === undefined) return { ...wanted, source: { upload } as ImageSource };
    context.addIssue({
      code: 'custom',
      path: [url === undefined ? 'url' : 'upload'],
      message:
        url === undefined
          ? 'is missing: give url or upload'
          : 'is given beside url: give the one or the other',
    });
    return z.NEVER;
  })
  .meta({ id: 'ImageFetch' });

/** The last part of a URL's path, as a list of digests would have it. */
export function fileNameOf(url: string): string {
  const last = new URL(url).pathname.split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(last);
  } catch {
    return last; // a percent sign that stands for itself
  }
}

/** A signed list of digests, and the file that is asked for. */
export const imageSums = z
  .strictObject({
    sums: imageOrder.sums.unwrap(),
    sumsSignature: imageOrder.sumsSignature,
    sumsKeyring: imageOrder.sumsKeyring.unwrap(),
    fileName: imageOrder.fileName.unwrap(),
  })
  .refine(({ sums, sumsSignature }) => sumsSignature !== undefined || isSignedInItself(sums), {
    path: ['sumsSignature'],
    message: 'is missing: sums is not signed in itself',
  })
  .meta({ id: 'ImageSums' });

/** What a signed list has for the file. */
export const imageDigests = z
  .object({ sha256: f.sha256.optional(), sha512: z.string().optional() })
  .meta({ id: 'ImageDigests' });

export type ImageUploadQuery = z.output<typeof imageUploadQuery>;
export type ImageUploadInput = z.input<typeof imageUploadQuery>;
export type ImageFetch = z.output<typeof imageFetch>;
export type ImageFetchInput = z.input<typeof imageFetch>;
export type ImageSums = z.output<typeof imageSums>;
