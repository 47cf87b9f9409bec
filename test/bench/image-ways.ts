import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { projectRoot } from '#platform';
import type { BenchImage } from './image-content.js';

/** How an image comes onto a disk; `script` is bash, with URL (of the folder of images), DISK and WORK. */
export interface Way {
  name: string;
  script: (image: BenchImage) => string;
}

const wire = (file: string) => `"$URL/${basename(file)}"`;

/** The snippets of create.sh themselves, and what they stand on. */
function ours(image: BenchImage, readBack: string): string {
  const { form, files } = image.stored;
  const snippets = ['disks', 'image', 'image-to-device'].map(
    (name) => `. '${join(projectRoot, 'templates/snippets', name)}.sh'`,
  );
  return `
    WORK_DIR=$WORK IMAGE_KIND=file_system IMAGE_DEVICE=$DISK READ_BACK=${readBack}
    IMAGE_URL=$URL/stored/${basename(files.chunks)} IMAGE_CHUNKS_URL=$URL/stored/${basename(files.list)}
    IMAGE_CHUNKS_SHA256=${form.chunksSha256} IMAGE_COMPRESSED_BYTES=${form.compressedBytes}
    IMAGE_UNCOMPRESSED_BYTES=${form.uncompressedBytes} IMAGE_DATA_BYTES=${form.dataBytes}
    fail() { printf '%s\\n' "$*" >&2; exit 1; }
    step_progress() { :; }
    ${snippets.join('\n')}
    fetch_chunk_list; zero_holes; stream_image; read_back`;
}

export const ways: readonly Way[] = [
  {
    name: "dodai's: to a scratch partition, loop-mounted, rsync",
    script: ({ raw }) => `
      printf 'start=1MiB, size=3GiB\\nstart=3100MiB\\n' | sfdisk --quiet --label gpt "$DISK"
      SCRATCH=$(losetup --find --show --offset $((1 << 20)) --sizelimit $((3 << 30)) "$DISK")
      ROOT=$(losetup --find --show --offset $((3100 << 20)) "$DISK")
      trap 'umount "$WORK"/{image,root,scratch} || true; losetup --detach "$ROOT"; losetup --detach "$SCRATCH"' EXIT
      mkdir "$WORK"/{scratch,image,root}
      mkfs.ext4 -q -F "$SCRATCH"
      mount "$SCRATCH" "$WORK/scratch"
      curl --silent --fail --output "$WORK/scratch/image" ${wire(raw)}
      mount -o loop,ro "$WORK/scratch/image" "$WORK/image"
      mkfs.ext4 -q -F "$ROOT"
      mount "$ROOT" "$WORK/root"
      rsync --archive --hard-links --acls --xattrs "$WORK/image/" "$WORK/root/"
      sync --file-system "$WORK/root"`,
  },
  {
    name: 'curl | dd',
    script: ({ raw }) =>
      `curl --silent --fail ${wire(raw)} | dd of="$DISK" bs=1M iflag=fullblock conv=notrunc,fsync status=none`,
  },
  {
    name: 'curl | zstd -d | dd',
    script: ({ zst }) =>
      `curl --silent --fail ${wire(zst)} | zstd -dqc | dd of="$DISK" bs=1M iflag=fullblock conv=notrunc,fsync status=none`,
  },
  {
    name: 'curl | zstd -d | dd conv=sparse (skips holes)',
    script: ({ zst }) =>
      `curl --silent --fail ${wire(zst)} | zstd -dqc | dd of="$DISK" bs=1M iflag=fullblock conv=notrunc,sparse,fsync status=none`,
  },
  {
    name: 'qemu-img convert from a zstd qcow2, fetched to memory',
    script: ({ qcow2 }) => `
      curl --silent --fail --output "$WORK/image.qcow2" ${wire(qcow2)}
      qemu-img convert -n -f qcow2 -O raw -t none -W -m 8 "$WORK/image.qcow2" "$DISK"
      sync "$DISK"`,
  },
  { name: 'ours, read back none', script: (image) => ours(image, 'none') },
  { name: 'ours, read back sampled (as delivered)', script: (image) => ours(image, 'sampled') },
  { name: 'ours, read back full', script: (image) => ours(image, 'full') },
];

export interface Cost {
  wallSeconds: number;
  /** Of all programs that the way runs. */
  cpuSeconds: number;
  wireBytes: number;
  writtenBytes: number;
}

/** One run of a way on a disk that has just been discarded. */
export async function run(
  way: Way,
  image: BenchImage,
  at: { url: string; disk: string; work: string },
): Promise<Cost> {
  const name = basename(at.disk);
  await execa('blkdiscard', ['--force', at.disk]);
  await execa('sync');
  const before = await counted(name);
  const script = `set -Eeuo pipefail
    export LC_ALL=C TIMEFORMAT='%R %U %S'
    time ( set -Eeuo pipefail
    ${way.script(image)} ) >/dev/null`;
  const env = { URL: at.url, DISK: at.disk, WORK: at.work };
  const { stderr } = await execa('bash', ['-c', script], { env });
  const after = await counted(name);
  const [wall = NaN, user = NaN, system = NaN] = (stderr.trim().split('\n').at(-1) ?? '')
    .split(' ')
    .map(Number);
  return {
    wallSeconds: wall,
    cpuSeconds: user + system,
    wireBytes: after.wireBytes - before.wireBytes,
    writtenBytes: after.writtenBytes - before.writtenBytes,
  };
}

/** What the loopback interface has carried, and the disk has been given (proc(5); block/stat.rst of the kernel). */
async function counted(disk: string): Promise<Pick<Cost, 'wireBytes' | 'writtenBytes'>> {
  const interfaces = await readFile('/proc/net/dev', 'utf8');
  const received = /^\s*lo:\s*(\d+)/m.exec(interfaces)?.[1];
  const fields = (await readFile(`/sys/block/${disk}/stat`, 'utf8')).trim().split(/\s+/);
  return { wireBytes: Number(received), writtenBytes: Number(fields[6]) * 512 };
}
