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
