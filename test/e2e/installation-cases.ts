import path from 'node:path';
import { expect } from 'vitest';
import type { ImageView, InstanceView } from '#contract';
import { demoImage, demoImageFiles } from '../../apps/quickstart/src/demo-image.js';
import { ensureImage, instanceType } from '../../apps/quickstart/src/inventory.js';
import type { RackUnderTest } from './rack-under-test.js';

export type ImageForm = keyof typeof demoImageFiles;
/** Also the same OS on a file system of another kind. */
type Form = ImageForm | 'xfs' | 'btrfs';
export const imageForms = Object.keys(demoImageFiles) as ImageForm[];

const installMs = 1_200_000;
const bootMs = 400_000;
const mib = 1024 ** 2;
/** The rest is what file systems keep for themselves: inode tables, journal, group descriptors. */
const leastUsablePart = 0.9;
/** The config drive's partition, the backup partition table and alignment. */
const mostBehindRootBytes = 66 * mib;

const { defaultUser } = demoImage('');
const nameOf = (form: Form) => `demo-${form.toLowerCase()}`;

/** Imports the demo image in a form; does nothing when it is there. */
export function importForm(site: RackUnderTest, form: ImageForm): Promise<ImageView> {
  return importFile(site, form, path.join(site.demoImageDir, demoImageFiles[form]));
}

export function importFile(site: RackUnderTest, form: Form, file: string): Promise<ImageView> {
  return ensureImage(site.client, { name: nameOf(form), file, defaultUser });
}

interface Installation {
  machine: string;
  form: Form;
  instanceType?: string;
  /** What is there and makes way; none: it is spawned. */
  present?: InstanceView;
}

/** Returns when the OS has said that it is installed. */
export async function install(
  site: RackUnderTest,
  { machine, form, instanceType: type = instanceType.name, present }: Installation,
): Promise<InstanceView> {
  const image = nameOf(form);
  const { id } = present
    ? await site.client.askInstance(present.id, 'rebuild', { image })
    : await site.client.spawn({
        hostName: `host-${machine}`,
        machine,
        image,
        instanceType: type,
        cluster: 'matrix',
        sshKeys: [site.owner.publicKey],
      });
  const instance = await site.until('installed', id, installMs);
  expect(instance).toMatchObject({ state: 'active', lastError: null });
  return instance;
}

/** Prints `name=value` lines about the OS it runs in. */
const look = `
root=$(findmnt --noheadings --nofsroot --output SOURCE /)
type=$(findmnt --noheadings --output FSTYPE /)
block=$(basename "$(readlink -f "$root")")
disk=$(lsblk --noheadings --list --inverse --nodeps --output PKNAME "$root" | head -n 1)
disk=\${disk:-$block}
echo hostname=$(hostname)
echo firmware=$(if [ -d /sys/firmware/efi ]; then echo uefi; else echo bios; fi)
echo secureBoot=$(od -An -t u1 -j 4 /sys/firmware/efi/efivars/SecureBoot-* 2>/dev/null | tr -d ' ')
echo disk=$disk
echo type=$type
echo rootBytes=$(lsblk --noheadings --nodeps --bytes --output SIZE "$root")
echo usableBytes=$(($(stat --file-system --format '%S * %b' /)))
echo rootStart=$(cat /sys/class/block/$block/start 2>/dev/null)
echo diskSectors=$(cat /sys/class/block/$disk/size)
`;

export interface Expected {
  form: Form;
  firmware: 'bios' | 'uefi' | 'uefi-secure';
  /** How Linux calls disks of the bus that root is on. */
  disk: RegExp;
  /** Default: that of the instance type that every rack has. */
  rootSizeMib?: number;
}

const typeOf = (form: Form) => (form === 'xfs' || form === 'btrfs' ? form : 'ext4');

/** Logs in as the owner and finds the OS on the right disk, started by the right firmware, its root as large as it can be. */
export async function proveInstalled(
  site: RackUnderTest,
  machine: string,
  { form, firmware, disk, rootSizeMib = instanceType.rootSizeMib }: Expected,
): Promise<void> {
  const { ip } = site.rack.machine(machine);
  await site.waitForLogin(machine, `host-${machine}`, bootMs);
  const said = await site.owner.run(site.rack, defaultUser, ip, look);
  const facts = Object.fromEntries(said.split('\n').map((line) => line.split('=') as [string, string]));
  expect(facts).toMatchObject({
    hostname: `host-${machine}`,
    firmware: firmware === 'bios' ? 'bios' : 'uefi',
    secureBoot: { bios: '', uefi: '0', 'uefi-secure': '1' }[firmware],
    disk: expect.stringMatching(disk) as string,
    type: typeOf(form),
  });
  const rootBytes = Number(facts.rootBytes);
  expect(Number(facts.usableBytes) / rootBytes).toBeGreaterThan(leastUsablePart);
  if (form !== 'disk') return expect(rootBytes).toBe(rootSizeMib * mib);
  const rootEnd = Number(facts.rootStart) * 512 + rootBytes;
  expect(Number(facts.diskSectors) * 512 - rootEnd).toBeLessThanOrEqual(mostBehindRootBytes);
}
