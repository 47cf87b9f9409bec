import { quote } from 'shell-quote';

const plainWord = /^[A-Za-z0-9_@%+=:,./-]+$/;
const pxelinuxWord = /^[\x21-\x7e]+$/;

/** A value as one word of a shell script. Words that need no quotes get none, so that scripts stay readable. */
export function quoteForShell(value: unknown): string {
  const text = String(value);
  return plainWord.test(text) ? text : quote([text]);
}

/** A value as one word of GRUB's script language, whose quotes are those of a shell, and which takes no line breaks. */
export function quoteForGrub(value: unknown): string {
  const text = String(value);
  if (/\p{Cc}/u.test(text)) throw new RangeError(`${JSON.stringify(text)} is not one word for GRUB`);
  return plainWord.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** pxelinux has no quoting: a value is one word, or it is refused. */
export function wordForPxelinux(value: unknown): string {
  const text = String(value);
  if (!pxelinuxWord.test(text)) throw new RangeError(`${JSON.stringify(text)} is not one word for pxelinux`);
  return text;
}

/** The rest of a line of preseed. A backslash at the end of the line would make the next one its own. */
export function lineForPreseed(value: unknown): string {
  const text = String(value);
  if (/\p{Cc}|\\$/u.test(text)) throw new RangeError(`${JSON.stringify(text)} is not one line for preseed`);
  return text;
}

/** A string of YAML 1.1 and 1.2: what JSON calls one is one there, too. */
export function quoteForYaml(value: unknown): string {
  return JSON.stringify(String(value));
}

const xmlEntities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

export function escapeForXml(value: unknown): string {
  const text = String(value);
  if (/\p{Cc}/u.test(text)) throw new RangeError(`${JSON.stringify(text)} is not one line for XML`);
  return text.replaceAll(/[&<>"']/g, (character) => xmlEntities[character] ?? character);
}
