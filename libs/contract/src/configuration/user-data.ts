import { type PartOrItem, userDataTypes, type UserDataWithItems } from '#core';
import { z } from 'zod';
import * as f from '../fields.js';
import { base64OfText } from './files.js';

/** A lone half of a surrogate pair is a character in no encoding. */
export const isText = (text: string) => new TextDecoder().decode(new TextEncoder().encode(text)) === text;

const fileName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'is not a file name: letters, digits, dot, dash, underscore');

const mergeType = z
  .string()
  .regex(/^(list|dict|str)\([a-z_,]*\)(\+(list|dict|str)\([a-z_,]*\)){0,2}$/, 'is not a merge type')
  .meta({
    description: 'How cloud-init merges this part of cloud-config with those before it',
    examples: ['list(append)+dict(no_replace,recurse_list)+str()'],
  });

/** Of a part, wherever it is given. */
export const partFields = {
  type: z.enum(userDataTypes).meta({ description: 'Content type, as cloud-init knows it' }),
  template: z
    .boolean()
    .default(false)
    .meta({ description: 'Whether values of the instance are filled in, such as {{ hostName }}' }),
  mergeType: mergeType.optional(),
};

const inlinePart = z.strictObject({
  ...partFields,
  content: z.string().refine(isText, 'is not text in UTF-8'),
  fileName: fileName.optional().meta({ description: 'Default: part-1 and so on' }),
});

/** `name`, or `name@3`. */
const reference = z.strictObject({
  item: z
    .string()
    .max(80)
    .transform((text, { issues }) => {
      const [name = '', version] = text.split('@');
      const isVersion = version === undefined || /^[1-9]\d{0,8}$/.test(version);
      if (f.name.safeParse(name).success && isVersion)
        return { name, version: version === undefined ? null : Number(version) };
      const message = 'is not a part of the library: NAME, or NAME@VERSION';
      issues.push({ code: 'custom', message, input: text });
      return z.NEVER;
    })
    .meta({ description: 'A part of the library: NAME, or NAME@VERSION', examples: ['base-packages@3'] }),
});

const parts = z
  .array(z.union([reference, inlinePart], 'is neither {item} nor {type, content}'))
  .min(1, 'has no part: leave it out')
  .max(64)
  .transform((all): PartOrItem[] =>
    all.map((part, index) =>
      'item' in part ? part : { ...part, fileName: part.fileName ?? `part-${index + 1}` },
    ),
  );

const ownText = z
  .string()
  .min(1, 'is empty: leave it out')
  .refine(isText, 'is not text in UTF-8: give what is no text as {base64}')
  .refine((text) => !text.includes('\0'), 'holds a NUL character: give what is no text as {base64}');

export const userData = z
  .union(
    [ownText, z.strictObject({ base64: z.base64('is not base64').min(1) }), z.strictObject({ parts })],
    'is neither text, nor {base64}, nor {parts}',
  )
  .transform((given): UserDataWithItems => {
    if (typeof given === 'string') return { kind: 'own', base64: base64OfText(given) };
    return 'parts' in given ? { kind: 'parts', parts: given.parts } : { kind: 'own', base64: given.base64 };
  })
  .meta({
    description:
      'For cloud-init: text or {base64}, passed through untouched; or {parts}, put together for the instance. An image without cloud-init runs what begins with #!',
    examples: ['#!/bin/sh\necho hello > /root/hello\n'],
  });

export const vendorData = parts.meta({
  description: 'The same from whoever runs the machines: below the user data, by the rules of cloud-init',
});
