import type { ConfiguredFile } from '#core';
import { z } from 'zod';

/** What the kernel shows there are no files. */
const ofTheKernel = /^\/(proc|sys|dev|run)(\/|$)/;

function pathFault(path: string): string | undefined {
  if (!path.startsWith('/')) return 'is not absolute: it begins with /';
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(path)) return 'holds a control character';
  const names = path.slice(1).split('/');
  if (names.includes('..')) return 'holds "..": name the place itself';
  if (names.some((name) => name === '' || name === '.'))
    return 'names no file: no "//", no "/./", no "/" at the end';
  if (ofTheKernel.test(path)) return 'is where the kernel shows itself: nothing that is put there stays';
  return undefined;
}

const path = z
  .string()
  .max(4095)
  .check(({ value, issues }) => {
    const message = pathFault(value);
    if (message !== undefined) issues.push({ code: 'custom', message, input: value });
  })
  .meta({ description: 'Absolute path in the installed OS', examples: ['/etc/motd'] });

/** UTF-8 to base64 without Node: this schema is used in browsers, too. */
export function base64OfText(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}

const configuredFile = z
  .strictObject({
    path,
    content: z.string().optional().meta({ description: 'Text, kept as UTF-8; or give base64' }),
    base64: z.base64('is not base64').optional().meta({ description: 'Bytes in base64; or give content' }),
    mode: z
      .string()
      .regex(/^0?[0-7]{3,4}$/, 'is not a mode in octal digits such as 0644')
      .overwrite((text) => text.padStart(4, '0').slice(-4))
      .default('0644'),
    owner: z
      .string()
      .regex(/^[a-z_][a-z0-9_-]{0,31}:[a-z_][a-z0-9_-]{0,31}$/, 'is not USER:GROUP such as root:root')
      .default('root:root')
      .meta({ description: 'USER:GROUP of the installed OS' }),
  })
  .transform(({ content, base64, ...same }, { issues }): ConfiguredFile => {
    if ((content === undefined) === (base64 === undefined)) {
      const message = 'needs its content: either content, as text, or base64';
      issues.push({ code: 'custom', message, input: same });
    }
    return { ...same, base64: base64 ?? base64OfText(content ?? '') };
  });

export const files = z
  .array(configuredFile)
  .max(1024)
  .check(({ value, issues }) => {
    const seen = new Set<string>();
    for (const [index, file] of value.entries()) {
      const message = 'is given twice: one file has one content';
      if (seen.has(file.path))
        issues.push({ code: 'custom', path: [index, 'path'], message, input: file.path });
      seen.add(file.path);
    }
  })
  .meta({ description: 'Files that the installed OS gets; what is there makes way' });
