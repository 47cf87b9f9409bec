import { execa } from 'execa';
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const snippets = fileURLToPath(new URL('../../templates/snippets', import.meta.url));
const mib = 1024 * 1024;
const diskMib = 80;

let directory: string;
let file: string;
/** A real block device, so that discard, zeroing and direct reads are the kernel's own. */
let disk: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wipe-script-'));
  file = join(directory, 'disk');
  await writeFile(file, Buffer.concat(Array.from({ length: diskMib }, () => randomBytes(mib))));
  disk = (await execa('losetup', ['--find', '--show', file])).stdout;
});

afterEach(async () => {
  await execa('losetup', ['--detach', disk]);
  await rm(directory, { recursive: true });
});

/** Commands of delete.sh's library against the disk; `fail` prints its reason. */
function run(commands: string) {
  const script = `set -Eeuo pipefail
    . '${snippets}/wipe.sh'
    fail() { printf 'failed: %s\\n' "$*"; exit 1; }
    step_progress() { printf 'progress %s\\n' "$*"; }
    DISKS='${disk}'
    ${commands}`;
  return execa('bash', ['-c', script], { reject: false });
}

async function put(offset: number, bytes: Buffer): Promise<void> {
  const handle = await open(disk, 'r+');
  await handle.write(bytes, 0, bytes.length, offset);
  await handle.sync();
  await handle.close();
}

describe('wiping a disk', () => {
  it.each(['overwrite', 'discard'])(
    'with mode %s leaves zeros everywhere, and reads them back',
    async (mode) => {
      const result = await run(`wipe_disk "$DISKS" ${mode}; check_zeros "$DISKS" ${mode}`);
      expect(result.stdout).toContain(`${disk}: 17 places read back, all zeros`);
      expect(result.exitCode).toBe(0);
      const content = await readFile(file);
      expect(content.equals(Buffer.alloc(diskMib * mib))).toBe(true);
    },
  );

  it('reports progress in bytes of all disks', async () => {
    const { stdout } = await run('CHUNK_BYTES=$((32 << 20)); wipe_disk "$DISKS" overwrite');
    const all = diskMib * mib;
    expect(stdout.split('\n')).toEqual([
      `progress ${32 * mib} ${all} overwriting ${disk}: 32 of 80 MiB`,
      `progress ${64 * mib} ${all} overwriting ${disk}: 64 of 80 MiB`,
      `progress ${all} ${all} overwriting ${disk}: 80 of 80 MiB`,
    ]);
  });

  it('in a mode that does not exist is a failure', async () => {
    const result = await run('wipe_disk "$DISKS" thorough');
    expect(result).toMatchObject({ exitCode: 1, stdout: 'failed: unknown wipe mode thorough' });
  });
});

describe('reading back', () => {
  it.each([
    ['the first byte', 0],
    ['the middle', 40 * mib],
    ['the last byte', diskMib * mib - 1],
  ])('a disk that was not zeroed at %s is a failure', async (_, offset) => {
    await run('wipe_disk "$DISKS" overwrite');
    await put(offset, Buffer.from([1]));
    const result = await run('check_zeros "$DISKS" overwrite');
    expect(result.exitCode).toBe(1);
    expect(result.stdout).toMatch(
      /^failed: .* is not wiped: 1 of the 1048576 bytes at offset \d+ are not zero$/,
    );
  });

  it('after a quick wipe looks at both ends only', async () => {
    await run('zero_range "$DISKS" 0 $((16 << 20)); zero_range "$DISKS" $((64 << 20)) $((16 << 20))');
    expect((await run('check_zeros "$DISKS" quick')).exitCode).toBe(0);
    expect((await run('check_zeros "$DISKS" discard')).exitCode).toBe(1);
  });
});
