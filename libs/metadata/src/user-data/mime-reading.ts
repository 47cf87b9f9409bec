import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type MimeNode, type SplitterChunk, Splitter } from '@zone-eu/mailsplit';

export interface MimePart {
  /** Lower case, without parameters. */
  contentType: string;
  fileName: string | null;
  content: Buffer;
}

export interface MimeMessage {
  parts: MimePart[];
  /** Why cloud-init would not read all of it. */
  faults: string[];
}

const base64Line = /^[A-Za-z0-9+/]*={0,2}\s*$/;
const encodings = new Set(['7bit', '8bit', 'binary', 'base64', 'quoted-printable']);

/** The parts of a MIME message; those in a multipart within it are told one by one, as cloud-init walks through them. */
export async function mimeParts(bytes: Buffer): Promise<MimeMessage> {
  const splitter = new Splitter({ ignoreEmbedded: true });
  splitter.end(bytes);
  const bodies = new Map<MimeNode, Buffer[]>();
  for await (const chunk of splitter as AsyncIterable<SplitterChunk>) {
    if (chunk.type === 'node') bodies.set(chunk, []);
    else if (chunk.type === 'body') bodies.get(chunk.node)?.push(chunk.value);
  }
  const nodes = [...bodies.keys()];
  const leaves = nodes.filter((node) => !node.multipart);
  const parts = leaves.map(async (node) => partOf(node, Buffer.concat(bodies.get(node) ?? [])));
  const encoded = leaves.flatMap((node) => encodingFaults(node, Buffer.concat(bodies.get(node) ?? [])));
  return { parts: await Promise.all(parts), faults: [...structureFaults(nodes, bytes), ...encoded] };
}

async function partOf(node: MimeNode, raw: Buffer): Promise<MimePart> {
  const decoded = buffer(Readable.from([raw]).pipe(node.getDecoder()));
  return {
    contentType: (node.contentType || 'text/plain').toLowerCase(),
    fileName: node.filename || null,
    content: await decoded,
  };
}

function structureFaults(nodes: MimeNode[], bytes: Buffer): string[] {
  const containers = nodes.filter((node) => node.multipart);
  return containers.flatMap((node) => boundaryFault(node, nodes, bytes) ?? []);
}

function boundaryFault(node: MimeNode, nodes: MimeNode[], bytes: Buffer): string | null {
  if (!node._boundary) return `${node.contentType} names no boundary`;
  const boundary = node._boundary.toString();
  if (!nodes.some(({ parentNode }) => parentNode === node))
    return `no part begins with the boundary --${boundary}`;
  return bytes.includes(`--${boundary}--`) ? null : `does not end with --${boundary}--: its end is missing`;
}

function encodingFaults(node: MimeNode, raw: Buffer): string[] {
  const encoding = node.encoding || '7bit';
  const name = node.filename || node.contentType || 'a part';
  if (!encodings.has(encoding)) return [`${name} has the unknown Content-Transfer-Encoding ${encoding}`];
  if (encoding !== 'base64') return [];
  const lines = raw.toString('latin1').split('\n');
  return lines.every((line) => base64Line.test(line))
    ? []
    : [`${name} is not the base64 that its header says`];
}
