import { readFile, stat, writeFile } from 'node:fs/promises';
import type { ImageBench } from './image-tree.js';

const extentBytes = 1024 ** 2;
const metadataAt = 4096;
const dataAt = 1024 ** 2;
const uuid = (letter: string) => [6, 4, 4, 4, 4, 4, 6].map((count) => letter.repeat(count)).join('-');

/**
 * A physical volume of LVM with a group of one logical volume that holds an image: what pvcreate, vgcreate and lvcreate
 * make, which take no files (LVM2, lib/format_text/layout.h and lib/label/label.h). Its sums are left out.
 */
export async function physicalVolume(
  bench: ImageBench,
  group: string,
  name: string,
  image: string,
): Promise<string> {
  const extents = Math.ceil((await stat(image)).size / extentBytes);
  const header = Buffer.alloc(dataAt);
  header.write('LABELONE', 512, 'latin1');
  header.writeBigUInt64LE(1n, 520);
  header.writeUInt32LE(32, 532);
  header.write('LVM2 001', 536, 'latin1');
  header.write(uuid('p').replaceAll('-', ''), 544, 'latin1');
  header.writeBigUInt64LE(BigInt(dataAt + extents * extentBytes), 576);
  header.writeBigUInt64LE(BigInt(dataAt), 584); // data areas, ended by zeros
  header.writeBigUInt64LE(BigInt(metadataAt), 616); // metadata areas
  header.writeBigUInt64LE(BigInt(dataAt - metadataAt), 624);
  const text = metadata(group, name, extents);
  header.write('\x20LVM2\x20x[5A%r0N*>', metadataAt + 4, 'latin1');
  header.writeUInt32LE(1, metadataAt + 20);
  header.writeBigUInt64LE(BigInt(metadataAt), metadataAt + 24);
  header.writeBigUInt64LE(BigInt(dataAt - metadataAt), metadataAt + 32);
  header.writeBigUInt64LE(512n, metadataAt + 40);
  header.writeBigUInt64LE(BigInt(text.length), metadataAt + 48);
  header.write(text, metadataAt + 512, 'latin1');
  const volume = bench.path('pv');
  await writeFile(volume, Buffer.concat([header, await readFile(image)]));
  return volume;
}

const metadata = (group: string, name: string, extents: number) => `${group} {
id = "${uuid('g')}"
seqno = 2
format = "lvm2"
status = ["RESIZEABLE", "READ", "WRITE"]
flags = []
extent_size = ${extentBytes / 512}
max_lv = 0
max_pv = 0
metadata_copies = 0

physical_volumes {

pv0 {
id = "${uuid('p')}"
device = "/dev/sda1"
status = ["ALLOCATABLE"]
flags = []
dev_size = ${(dataAt + extents * extentBytes) / 512}
pe_start = ${dataAt / 512}
pe_count = ${extents}
}
}

logical_volumes {

${name} {
id = "${uuid('l')}"
status = ["READ", "WRITE", "VISIBLE"]
flags = []
segment_count = 1

segment1 {
start_extent = 0
extent_count = ${extents}

type = "striped"
stripe_count = 1

stripes = [
"pv0", 0
]
}
}
}

}
`;
