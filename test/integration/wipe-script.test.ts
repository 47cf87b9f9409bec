import { execa } from 'execa';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { wipedDisk } from '#contract';
import { LoopDisk, mib } from '../support/loop-disk.js';

const snippets = fileURLToPath(new URL('../../templates/snippets', import.meta.url));
const names = ['disks', 'wipe-metadata', 'wipe', 'secure-erase', 'wipe-evidence'];
const diskMib = 80;

let directory: string;
let disk: LoopDisk;
let others: LoopDisk[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wipe-script-'));
  disk = await LoopDisk.make({ mib: diskMib });
});

afterEach(async () => {
  await Promise.all([disk, ...others.splice(0)].map((each) => each.remove()));
  await rm(directory, { recursive: true });
});

async function another(kind: Parameters<typeof LoopDisk.make>[0]): Promise<LoopDisk> {
  const made = await LoopDisk.make(kind);
  others.push(made);
  return made;
}

/** Commands of delete.sh's library against the disks; `fail` prints its reason. */
function run(commands: string, disks = [disk]) {
  const listed = disks.map(({ path }) => ({ path, serial: 'S1', wwn: null, model: 'loop' }));
  const script = `set -Eeuo pipefail
    ${names.map((name) => `. '${snippets}/${name}.sh'`).join('\n')}
    fail() { printf 'failed: %s\\n' "$*" >&2; exit 1; }
    step_progress() { printf 'progress %s\\n' "$*"; }
    list_disks() { printf '%s' '${JSON.stringify(listed)}'; }
    DISKS='${disks.map(({ path }) => path).join('\n')}'
    ${commands}`;
  const env = { WORK_DIR: directory, INSTANCE_ID: 'instance-1' };
  return execa('bash', ['-c', script], { reject: false, env });
}

/** As delete.sh does it, in this mode; stand-ins for programs that need real disks go ahead. */
const wipe = (mode: string, standIns = '', disks = [disk]) =>
  run(
    `${standIns}
    WIPE_MODE=${mode}
    choose_methods
    wipe_disks
    for disk in $DISKS; do
      read_places "$disk" "\${METHODS[$disk]}"
      printf 'evidence '; evidence_of "$disk" "\${METHODS[$disk]}"
    done`,
    disks,
  );

const evidenceIn = (stdout: string) =>
  stdout
    .split('\n')
    .filter((line) => line.startsWith('evidence '))
    .map((line) => wipedDisk.parse(JSON.parse(line.slice('evidence '.length))));

describe('wiping a disk', () => {
  it.each([
    ['overwrite', 'blkdiscard --zeroout'],
    ['discard', 'blkdiscard --force'],
  ])('with mode %s leaves zeros everywhere, and tells what was read back', async (mode, command) => {
    const { stdout, stderr, exitCode } = await wipe(mode);
    expect(exitCode, stderr).toBe(0);
    expect((await disk.content()).equals(Buffer.alloc(disk.sizeBytes))).toBe(true);
    const [evidence] = evidenceIn(stdout);
    expect(evidence).toMatchObject({
      disk: disk.path,
      serial: 'S1',
      wwn: null,
      sizeBytes: disk.sizeBytes,
      method: mode,
      command: `${command} ${disk.path}`,
      readBack: { placeBytes: mib, held: { zeros: 17, ones: 0, other: 0 }, marked: true },
    });
    expect(evidence?.readBack.offsets).toHaveLength(17);
    expect(evidence?.readBack.offsets.at(-1)).toBe(disk.sizeBytes - mib);
  });

  it('with mode quick clears both ends of the disk and of its partitions', async () => {
    const partition = await another({ mib: 40 });
    const { stdout, stderr, exitCode } = await run(`
      list_partitions() { printf '1 %s\\n' ${partition.path}; }
      clear_disk_metadata "$DISKS"
      METHODS[$DISKS]=signatures
      wipe_disks
      read_places "$DISKS" signatures
      printf 'evidence '; evidence_of "$DISKS" signatures`);
    expect(exitCode, stderr).toBe(0);
    const isZero = (content: Buffer) => content.equals(Buffer.alloc(content.length));
    const [whole, part] = [await disk.content(), await partition.content()];
    const pieces = [
      whole.subarray(0, 16 * mib),
      whole.subarray(64 * mib),
      part.subarray(0, 16 * mib),
      part.subarray(24 * mib),
    ];
    expect(pieces.map(isZero)).toEqual([true, true, true, true]);
    expect([whole.subarray(20 * mib, 60 * mib), part.subarray(17 * mib, 23 * mib)].map(isZero)).toEqual([
      false,
      false,
    ]);
    expect(evidenceIn(stdout)).toMatchObject([
      { method: 'signatures', readBack: { offsets: [0, 79 * mib], held: { zeros: 2 }, marked: false } },
    ]);
  });

  it('is done on all of them at the same time, with progress in bytes of them all', async () => {
    const second = await another({ mib: 40 });
    const { stdout, stderr, exitCode } = await wipe('overwrite', '', [disk, second]);
    expect(exitCode, stderr).toBe(0);
    const all = 120 * mib;
    const last = stdout.split('\n').findLast((line) => line.startsWith('progress'));
    expect(last).toBe(`progress ${all} ${all} wiping: ${disk.path} 100 %, ${second.path} 100 %`);
    expect(evidenceIn(stdout).map(({ disk: path }) => path)).toEqual([disk.path, second.path]);
  });

  it('ends with the first disk that fails', async () => {
    const second = await another({ mib: 40, readOnly: true });
    const { exitCode, stdout } = await wipe('overwrite', '', [disk, second]);
    expect(exitCode).toBe(1);
    expect(evidenceIn(stdout)).toEqual([]);
  });

  it('in a mode that does not exist is a failure', async () => {
    expect(await wipe('thorough')).toMatchObject({
      exitCode: 1,
      stderr: 'failed: unknown wipe mode thorough',
    });
  });
});

describe('a disk that cannot discard', () => {
  it('is told of before anything is wiped, with what to choose instead', async () => {
    const second = await another({ mib: 40, discards: false });
    const { exitCode, stderr } = await wipe('discard', '', [disk, second]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      new RegExp(`^failed: ${second.path} cannot discard: .* wipe mode secure_erase .* or overwrite$`),
    );
    expect((await disk.content()).subarray(0, mib).equals(Buffer.alloc(mib))).toBe(false);
  });

  it('but says it did is a failure', async () => {
    const { exitCode, stderr } = await wipe('discard', 'blkdiscard() { :; }');
    expect(exitCode).toBe(1);
    expect(stderr).toBe(
      `failed: ${disk.path} is not wiped: it took the discard and holds what was there before at offset 0: its instance type needs wipe mode secure_erase or overwrite`,
    );
  });
});

describe('reading back', () => {
  it.each([
    ['the first byte', 0],
    ['the middle', 40 * mib],
    ['the last byte', diskMib * mib - 1],
  ])('a disk that was not zeroed at %s is a failure', async (_, offset) => {
    await run('zero_range "$DISKS" 0 "$(blockdev --getsize64 "$DISKS")"');
    await disk.put(offset, Buffer.from([1]));
    const { exitCode, stderr } = await run('read_places "$DISKS" overwrite');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /^failed: .* is not wiped: .* holds something else than zeros at offset \d+: replace it$/,
    );
  });

  it('after a quick wipe looks at both ends only', async () => {
    await run('zero_ends "$DISKS"');
    expect((await run('read_places "$DISKS" signatures')).exitCode).toBe(0);
    expect((await run('read_places "$DISKS" discard')).exitCode).toBe(1);
  });
});

/** Stand-ins: what a disk with this method does, by a program that the loop device has no use for. */
const nvme = (format: string) => `
  secure_erase_method() { printf 'nvme_format_crypto\\n'; }
  nvme() { case $1 in id-ns) printf '{"flbas": 0, "dps": 0}' ;; format) ${format} ;; esac; }`;

describe('a secure erase', () => {
  it('that leaves noise is told as such: the marks are gone', async () => {
    const noise = 'dd if=/dev/urandom of="$2" bs=1M count=80 conv=notrunc,fsync status=none';
    const { stdout, stderr, exitCode } = await wipe('secure_erase', nvme(noise));
    expect(exitCode, stderr).toBe(0);
    expect(evidenceIn(stdout)).toMatchObject([
      {
        method: 'nvme_format_crypto',
        command: `nvme format ${disk.path} --ses=2 --lbaf=0 --ms=0 --pi=0 --pil=0 --timeout=86400000 --force`,
        readBack: { held: { zeros: 0, ones: 0, other: 17 }, marked: true },
      },
    ]);
  });

  it('that leaves what was there is a failure', async () => {
    const { stderr, exitCode } = await wipe('secure_erase', nvme(':'));
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /is not wiped: it took the secure erase and holds what was there before at offset 0/,
    );
  });

  it('that the disk refuses is a failure', async () => {
    const { stderr, exitCode } = await wipe('secure_erase', nvme('return 1'));
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/did not take the NVMe format: retry, choose wipe mode overwrite, or replace it$/);
  });

  it('of a disk that has none fails before anything is wiped', async () => {
    const { stderr, exitCode } = await wipe('secure_erase');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /^failed: \/dev\/loop\d+ has no secure erase: .* needs wipe mode overwrite or discard$/,
    );
  });
});

const security = (...lines: string[]) =>
  [
    'Commands/features:',
    '\t\tsupported',
    'Security: ',
    ...lines,
    'Logical Unit WWN Device Identifier: 5',
    'Checksum: correct',
  ].join('\n');
const unfrozen = [
  '\tMaster password revision code = 65534',
  '\t\tsupported',
  '\tnot\tenabled',
  '\tnot\tlocked',
  '\tnot\tfrozen',
];
const minutes = '\t2min for SECURITY ERASE UNIT. 8min for ENHANCED SECURITY ERASE UNIT.';
const enhanced = '\t\tsupported: enhanced erase';

describe('what a disk says of its secure erase', () => {
  it.each([
    ['both', security(...unfrozen, enhanced, minutes), 'ata_enhanced_erase'],
    ['the plain one only', security(...unfrozen, '\tnot\tsupported: enhanced erase', minutes), 'ata_erase'],
  ])('ATA, %s', async (_, said, method) => {
    const { stdout } = await run(`ata_security <<<'${said}' | ata_method /dev/sda`);
    expect(stdout).toBe(method);
  });

  it.each([
    [
      'is frozen',
      security('\t\tsupported', '\tnot\tenabled', '\tnot\tlocked', '\t\tfrozen', enhanced),
      /is frozen: .*[Ss]uspend/,
    ],
    ['knows none', security('\tnot\tsupported', '\tnot\tfrozen'), /has no secure erase/],
    [
      'says nothing',
      ' HDIO_DRIVE_CMD(identify) failed: Inappropriate ioctl for device',
      /has no secure erase/,
    ],
  ])('ATA, one that %s is refused with what to choose', async (_, said, reason) => {
    const { stderr, exitCode } = await run(`ata_security <<<'${said}' | ata_method /dev/sda`);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(reason);
    expect(stderr).toContain('wipe mode overwrite');
  });

  it('ATA, how long it takes', async () => {
    const { stdout } = await run(`ata_security <<<'${security(...unfrozen, enhanced, minutes)}'`);
    expect(stdout.split('\n')).toEqual(['supported', 'enhanced', 'minutes=2', 'enhanced_minutes=8']);
  });

  it.each([
    [{ oacs: 0x17, fna: 0x4, sanicap: 3 }, 'nvme_format_crypto'],
    [{ oacs: 0x12a, fna: 0, sanicap: 0 }, 'nvme_format'],
    [{ oacs: 0, fna: 0, sanicap: 3 }, 'nvme_sanitize_block'],
    [{ oacs: 1, fna: 4, sanicap: 1 }, 'nvme_sanitize_crypto'],
    [{ oacs: 0, fna: 0, sanicap: 4 }, 'nvme_sanitize_overwrite'],
  ])('NVMe, %o', async (identity, method) => {
    expect((await run(`nvme_method /dev/nvme0n1 <<<'${JSON.stringify(identity)}'`)).stdout).toBe(method);
  });

  it('NVMe, neither format nor sanitize', async () => {
    const { stderr, exitCode } = await run(`nvme_method /dev/nvme0n1 <<<'{"oacs": 0, "fna": 4}'`);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /^failed: \/dev\/nvme0n1 has no secure erase: .* needs wipe mode overwrite or discard$/,
    );
  });

  it('NVMe, a format keeps sector size, metadata and protection', async () => {
    const { stdout } = await run(`nvme_format_options <<<'{"flbas": 17, "dps": 9}'`);
    expect(stdout).toBe('--lbaf=1 --ms=1 --pi=1 --pil=1');
  });

  it.each([
    ['\\x00\\x40\\x02\\x01', '16384 running'],
    ['\\xff\\xff\\x01\\x01', '65535 done'],
    ['\\xff\\xff\\x0b\\x00', '65535 failed'],
  ])('NVMe, how a sanitize goes: %s', async (log, state) => {
    expect((await run(`printf '${log}\\0\\0\\0\\0' | sanitize_state`)).stdout).toBe(state);
  });
});

describe('an ATA security erase', () => {
  /** The disk's own state in a file: whether a password is set; the erase zeroes the disk and takes it away. */
  const ata = (erase: string) => `
    secure_erase_method() { printf 'ata_erase\\n'; }
    says() { [[ -e $WORK_DIR/password ]] && printf 'enabled' || printf 'not enabled'; }
    hdparm() {
      printf 'hdparm %s\\n' "$*" >&2
      case $* in
        -I*) printf 'Security:\\n\\tsupported\\n\\t%s\\n' "$(says)" ;;
        *set-pass*) touch "$WORK_DIR/password" ;;
        *security-erase*) ${erase} ;;
        *disable*) rm "$WORK_DIR/password" ;;
      esac
    }`;
  const erases = 'command blkdiscard --force "$5" && rm "$WORK_DIR/password"';
  const commands = (stderr: string) =>
    stderr.split('\n').flatMap((line) => /^hdparm (.*) \/dev\/loop/.exec(line)?.[1] ?? []);

  it('sets a password, erases, and sees that the password is gone', async () => {
    const { stderr, stdout, exitCode } = await wipe('secure_erase', ata(erases));
    expect(exitCode, stderr).toBe(0);
    expect(commands(stderr)).toEqual([
      '-I',
      '--user-master u --security-set-pass dodai',
      '--user-master u --security-erase dodai',
      '-I',
    ]);
    expect(evidenceIn(stdout)).toMatchObject([{ method: 'ata_erase', readBack: { held: { zeros: 17 } } }]);
  });

  it('that was cut short is carried out with the password that is set', async () => {
    const { stderr, exitCode } = await wipe('secure_erase', `touch "$WORK_DIR/password"; ${ata(erases)}`);
    expect(exitCode, stderr).toBe(0);
    expect(commands(stderr)).toEqual(['-I', '--user-master u --security-erase dodai', '-I']);
  });

  it.each([
    ['refused', 'return 5'],
    ['claimed, with the password still there', ':'],
  ])('that is %s is a failure, and leaves no password', async (_, erase) => {
    const { stderr, exitCode } = await wipe('secure_erase', ata(erase));
    expect(exitCode).toBe(1);
    expect(commands(stderr).at(-1)).toBe('--user-master u --security-disable dodai');
    expect(stderr).toMatch(/failed: \/dev\/loop\d+ did not carry out its secure erase/);
  });
});
