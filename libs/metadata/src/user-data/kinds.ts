import type { UserDataType } from '#core';

/** What cloud-init takes but what is never asked of us as a part. */
const otherKinds = ['multipart/mixed', 'text/cloud-config-jsonp'] as const;
export type UserDataKind = UserDataType | (typeof otherKinds)[number];

/** How user data begins, longest first: cloud-init's `type_from_starts_with`. Letters of either case do. */
const beginnings: [beginning: string, kind: UserDataKind][] = [
  ['#cloud-config-archive', 'text/cloud-config-archive'],
  ['#cloud-config-jsonp', 'text/cloud-config-jsonp'],
  ['## template: jinja', 'text/jinja2'],
  ['#cloud-boothook', 'text/cloud-boothook'],
  ['#include-once', 'text/x-include-once-url'],
  ['#part-handler', 'text/part-handler'],
  ['#cloud-config', 'text/cloud-config'],
  ['#upstart-job', 'text/upstart-job'],
  ['#include', 'text/x-include-url'],
  ['#!', 'text/x-shellscript'],
];

/** A byte order mark is none to cloud-init. */
const leadingSpace = /^[^\S\ufeff]+/;

/** cloud-init looks for the header in so many first bytes, wherever it stands. */
const mimeHeaderBytes = 4096;

/** Whether cloud-init reads these bytes as a mail, whatever they were meant for. */
export function isReadAsMail(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.subarray(0, mimeHeaderBytes)).toString('latin1').toLowerCase();
  return head.includes('mime-version:');
}

/** What Python takes for the first line of a header; a mail that has none is all text. */
const headerLine = /^([!-9;-~]+:|From )/;

/** What was meant to be MIME. */
function isMime(bytes: Uint8Array): boolean {
  return isReadAsMail(bytes) && headerLine.test(Buffer.from(bytes.subarray(0, 200)).toString('latin1'));
}

/** What cloud-init takes a text for, by its beginning; null: for nothing that it knows. */
export function kindOfText(text: string): UserDataKind | null {
  const beginning = text.replace(leadingSpace, '').toLowerCase();
  return beginnings.find(([known]) => beginning.startsWith(known))?.[1] ?? null;
}

/** What cloud-init takes own user data for, once it is no longer compressed; null: for nothing that it knows. */
export function kindOf(bytes: Uint8Array): UserDataKind | null {
  if (isMime(bytes)) return 'multipart/mixed';
  return kindOfText(Buffer.from(bytes).toString('utf8'));
}

/** What a part has to begin with where no header says what it is; null: such a part cannot stand alone. */
export const firstLines: Record<UserDataType, string | null> = {
  'text/cloud-config': '#cloud-config',
  'text/x-shellscript': '#!',
  'text/x-shellscript-per-boot': null,
  'text/x-shellscript-per-instance': null,
  'text/x-shellscript-per-once': null,
  'text/x-include-url': '#include',
  'text/x-include-once-url': '#include-once',
  'text/cloud-boothook': '#cloud-boothook',
  'text/upstart-job': null,
  'text/part-handler': '#part-handler',
  'text/cloud-config-archive': '#cloud-config-archive',
  'text/jinja2': '## template: jinja',
};
