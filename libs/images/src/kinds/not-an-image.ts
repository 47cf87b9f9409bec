import { type Finding, type Head, type KnownKind, shown } from './kind.js';
import { refusedEmpty, refusedText } from './remedies.js';

function readEmpty(head: Head): Finding | undefined {
  return head.length === 0 ? { type: 'empty', called: 'empty' } : undefined;
}

function readZeros(head: Head): Finding | undefined {
  if (head.came(head.length).some((byte) => byte !== 0)) return undefined;
  return { type: 'zeros', called: `nothing but zeros in its first ${head.length} bytes` };
}

/** Enough of a text to tell that it is one. */
const sampleBytes = 4096;

/** Undefined when it is not text in UTF-8, of which the last character may be cut. */
function textOf(head: Head): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(head.came(sampleBytes), { stream: true });
    return /[^\P{Cc}\t\n\r\f]/u.test(text) ? undefined : text.trim();
  } catch {
    return undefined; // it is not UTF-8, which is the answer
  }
}

function readWebPage(head: Head): Finding | undefined {
  const text = textOf(head);
  if (text === undefined || !/^(<!--|<!doctype html|<\?xml|<html|<head)/i.test(text)) return undefined;
  const title = /<title[^>]*>([^<]*)</i.exec(text)?.[1];
  return { type: 'html', called: `a web page${title ? ` ("${shown(title)}")` : ''}` };
}

function readText(head: Head): Finding | undefined {
  const text = textOf(head);
  return text === undefined ? undefined : { type: 'text', called: `text ("${shown(text)}")` };
}

export const emptyKind: KnownKind = { use: refusedEmpty, read: readEmpty };

export const notAnImageKinds: readonly KnownKind[] = [
  { use: refusedEmpty, read: readZeros },
  { use: refusedText, read: readWebPage },
  { use: refusedText, read: readText },
];
