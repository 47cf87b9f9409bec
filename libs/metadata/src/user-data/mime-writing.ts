import { createHash } from 'node:crypto';
import type { UserDataPart } from '#core';
import MimeNode from 'nodemailer/lib/mime-node';

/**
 * The parts as one multipart/mixed message. Each is in base64: cloud-init reads the message as text, and nothing else keeps every
 * byte of a part. The same parts give the same bytes.
 */
export async function multipart(parts: UserDataPart[]): Promise<Buffer> {
  const boundary = boundaryOf(parts);
  const root = new MimeNode(`multipart/mixed; boundary="${boundary}"`, { newline: 'linux' });
  // What a mail has and user data does not: fixed, so that nothing depends on the time or on chance.
  root.setHeader({ Date: new Date(0), 'Message-ID': `<${boundary}@user-data>` });
  for (const part of parts) append(root, part);
  return root.build();
}

function append(root: MimeNode, part: UserDataPart): void {
  const node = root.createChild(`${part.type}; charset=utf-8`, { filename: part.fileName });
  node.setHeader({ 'Content-Disposition': 'attachment', 'Content-Transfer-Encoding': 'base64' });
  if (part.mergeType !== undefined) node.setHeader('Merge-Type', part.mergeType);
  node.setContent(Buffer.from(part.content));
}

/** No line of base64 can be like it: it has characters that base64 has not. */
function boundaryOf(parts: UserDataPart[]): string {
  return `==part-${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 24)}==`;
}
