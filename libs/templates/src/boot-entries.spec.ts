import { execa } from 'execa';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const snippets = fileURLToPath(new URL('../../../templates/snippets', import.meta.url));

/** Entries in a file, one a line (`0001<tab>LABEL<tab>PATH`), and the order in another; shown as efibootmgr 17 shows them. */
const efibootmgr = `#!/bin/bash
set -euo pipefail
cd "$(dirname "$0")"
number='' label='' loader='' part='' order='' action=show
while (($#)); do
  case $1 in
    --bootnum) number=$2 && shift ;;
    --delete-bootnum) action=delete ;;
    --create-only) action=create ;;
    --bootorder) action=order order=$2 && shift ;;
    --label) label=$2 && shift ;;
    --loader) loader=$2 && shift ;;
    --part) part=$2 && shift ;;
    --disk) shift ;;
  esac
  shift
done
case $action in
  show)
    printf 'BootCurrent: 0001\\nTimeout: 0 seconds\\nBootOrder: %s\\n' "$(cat order)"
    awk -F '\\t' '{ printf "Boot%s* %s\\t%s\\n", $1, $2, $3 }' entries
    ;;
  delete)
    grep -q "^$number" entries
    sed -i "/^$number/d" entries
    sed -i -e "s/$number,\\?//" -e 's/,$//' order
    ;;
  create)
    [ ! -e full ] || exit 5
    for number in 0000 0001 0002 0003 0004 0005 0006 0007; do grep -q "^$number" entries || break; done
    printf '%s\\t%s\\tHD(%s,GPT,1a2b)/File(%s)\\n' "$number" "$label" "$part" "$loader" >>entries
    ;;
  order) printf '%s\\n' "$order" >order ;;
esac
`;

const menu = '0000\tUiApp\tFvVol(7cb8bdc9)/FvFile(462caa21)';
const network = '0001\tUEFI PXEv4 (MAC:525400123456)\tPciRoot(0x0)/Pci(0x2,0x0)/MAC(525400123456,1)/IPv4(0.0.0.0)';
const http = '0003\tUEFI HTTPv4\tPciRoot(0x0)/MAC(525400123456,1)/IPv4(0.0.0.0)/Uri()';
const disk = '0002\tUEFI QEMU HARDDISK\tPciRoot(0x0)/Pci(0x3,0x0)';
const stale = '0004\tdodai\tHD(1,GPT,dead)/File(\\EFI\\debian\\shimx64.efi)';

describe('the boot entries of UEFI', () => {
  let directory = '';
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'dodai-boot-entries-'));
    for (const [name, text] of [
      ['efibootmgr', efibootmgr],
      ['lsblk', '#!/bin/sh\necho /dev/vda\n'],
    ] as const)
      await writeFile(join(directory, name), text, { mode: 0o755 });
  });
  afterEach(() => rm(directory, { recursive: true }));

  const firmwareHas = async (order: string, ...entries: string[]) => {
    await writeFile(join(directory, 'order'), `${order}\n`);
    await writeFile(join(directory, 'entries'), entries.map((line) => `${line}\n`).join(''));
  };
  const run = async (command: string, firmwareDir = directory) => {
    const script = `set -Eeuo pipefail
      . '${snippets}/boot-entries.sh'
      cat() { case $1 in /sys/*/partition) printf 1 ;; *) command cat "$@" ;; esac; }
      ${command}`;
    const { stdout } = await execa('bash', ['-c', script], { env: { FIRMWARE_DIR: firmwareDir, PATH: `${directory}:${process.env.PATH}` } });
    return stdout;
  };
  const order = async () => (await readFile(join(directory, 'order'), 'utf8')).trim();
  const own = async () =>
    (await readFile(join(directory, 'entries'), 'utf8')).split('\n').filter((line) => line.includes('\tdodai\t'));
  const set = "set_boot_entries '\\EFI\\debian\\shimx64.efi'";

  it('have the disk once, right behind the network, and none of an installation before', async () => {
    await firmwareHas('0004,0000,0001,0003,0002', menu, network, disk, http, stale);
    await run(`${set} /dev/vda1`);
    expect(await own()).toEqual(['0004\tdodai\tHD(1,GPT,1a2b)/File(\\EFI\\debian\\shimx64.efi)']);
    expect(await order()).toBe('0000,0001,0003,0004,0002');
    await run(`${set} /dev/vda1`);
    expect(await order()).toBe('0000,0001,0003,0004,0002');
  });

  it('have both disks of a mirror', async () => {
    await firmwareHas('0001,0002', network, disk);
    await run(`${set} /dev/vda1 /dev/vdb1`);
    expect(await own()).toHaveLength(2);
    expect(await order()).toBe('0001,0000,0003,0002');
  });

  it('have the disk first where nothing boots from the network', async () => {
    await firmwareHas('0002', disk);
    await run(`${set} /dev/vda1`);
    expect(await order()).toBe('0000,0002');
  });

  it('are not needed to start: firmware that takes none is told of, and fails nothing', async () => {
    await firmwareHas('0001,0002', network, disk);
    await writeFile(join(directory, 'full'), '');
    expect(await run(`${set} /dev/vda1`)).toContain('warning: the firmware takes no boot entry');
  });

  it('of ours are gone after a wipe, the others stay', async () => {
    await firmwareHas('0001,0004,0002', network, disk, stale);
    await run('remove_boot_entries');
    expect(await own()).toEqual([]);
    expect(await order()).toBe('0001,0002');
  });

  it('are no matter of BIOS', async () => {
    await firmwareHas('0004', stale);
    await run(`${set} /dev/vda1; remove_boot_entries`, '/nonexistent');
    expect(await own()).toEqual([stale]);
  });
});
