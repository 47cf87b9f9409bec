import { DomainError } from '#core';
import { documentsOf, type TreeFolder } from '../documents/document-tree.js';
import { maxDriveBytes } from './drive-form.js';

export const vfatClusterBytes = 4096;
const mib = 1024 * 1024;
/** Boot sector, root folder and the rounding of both, with sectors of 4 KiB. */
const vfatBaseBytes = 256 * 1024;

/** What the documents need on a VFAT: whole clusters, folders with long names, two tables, all rounded up to whole MiB. */
export function vfatBytes(tree: TreeFolder): number {
  const files = documentsOf(tree).map(([, { content }]) => clusters(content.length));
  const all = files.reduce((sum, each) => sum + each, folderClusters(tree));
  const bytes = all * (vfatClusterBytes + 2 * 4) + vfatBaseBytes;
  return Math.ceil(bytes / mib) * mib;
}

const clusters = (bytes: number) => Math.ceil(bytes / vfatClusterBytes);

/** An entry has 32 bytes, and as many for every 13 characters of a long name. */
function folderClusters({ entries }: TreeFolder): number {
  const bytes = [...entries.keys()].reduce((sum, name) => sum + 32 * (1 + Math.ceil(name.length / 13)), 64);
  const below = [...entries.values()].map((node) => (node.kind === 'folder' ? folderClusters(node) : 0));
  return below.reduce((sum, each) => sum + each, clusters(bytes));
}

/** Which field of a configuration a document of the drive is from. */
function fieldOf(path: string): string {
  const file = /^openstack\/content\/(\d+)$/.exec(path)?.[1];
  if (file !== undefined) return `files.${Number(file)}`;
  if (/user[-_]data$/.test(path)) return 'userData';
  return /vendor_data/.test(path) ? 'vendorData' : 'metadata';
}

/** Before anything is written. Throws DomainError `invalid-request` with the field that most of it is from. */
export function checkDriveSize(tree: TreeFolder): void {
  const byField = new Map<string, number>();
  for (const [path, { content }] of documentsOf(tree)) {
    const field = fieldOf(path);
    byField.set(field, (byField.get(field) ?? 0) + content.length);
  }
  const sum = [...byField.values()].reduce((total, bytes) => total + bytes, 0);
  if (sum <= maxDriveBytes && vfatBytes(tree) <= maxDriveBytes) return;
  const [field = '', bytes = 0] = [...byField].sort(([, one], [, other]) => other - one)[0] ?? [];
  throw new DomainError(
    'invalid-request',
    `the config drive would hold ${toMib(sum)} MiB, of which ${toMib(bytes)} MiB are ${field}; it may have 64 MiB`,
    {
      remedy: 'give less, and let the OS fetch what is large',
      context: { field, bytes: sum, maxBytes: maxDriveBytes },
    },
  );
}

const toMib = (bytes: number) => (bytes / mib).toFixed(1);
