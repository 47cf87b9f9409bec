import { shown } from '../../kinds/kind.js';
import type { ImageContents } from '../reading/image-contents.js';
import { shellSettings } from './shell-settings.js';

const longest = 1000;

/** What its kernel is started with, as far as the image says it; null: it does not. */
export async function kernelArgumentsOf(contents: ImageContents): Promise<string | null> {
  const found =
    (await fromBootEntries(contents)) ??
    (await fromGrubMenu(contents)) ??
    (await contents.text('/etc/kernel/cmdline')) ??
    (await fromGrubSettings(contents));
  return shown(found ?? '', longest) || null;
}

/** The UAPI Group's Boot Loader Specification, type 1; of several, the last by name is the newest kernel. */
async function fromBootEntries(contents: ImageContents): Promise<string | undefined> {
  const entries = await contents.matching('/boot/loader/entries', /\.conf$/);
  const newest = entries
    .filter(({ path }) => !path.includes('rescue'))
    .sort((one, other) => one.path.localeCompare(other.path, 'en', { numeric: true }))
    .at(-1);
  const options = newest && /^options[ \t]+(.*)$/m.exec(newest.text)?.[1];
  if (options === undefined) return undefined;
  // Fedora and its kin keep what all entries share in GRUB's environment block.
  const environment =
    (await contents.text('/boot/grub2/grubenv')) ?? (await contents.text('/boot/grub/grubenv')) ?? '';
  const shared = /^kernelopts=(.*)$/m.exec(environment)?.[1] ?? '';
  return options.replace('$kernelopts', shared).replace('$tuned_params', '');
}

/** The first entry of GRUB's menu is what it starts by itself. */
async function fromGrubMenu(contents: ImageContents): Promise<string | undefined> {
  const menu = (await contents.text('/boot/grub/grub.cfg')) ?? (await contents.text('/boot/grub2/grub.cfg'));
  return menu && /^\s*linux(?:16|efi)?[ \t]+\S+[ \t]+(.*)$/m.exec(menu)?.[1];
}

/** GRUB Manual 2.06, 6.1; Debian and its kin read the files of default/grub.d after it. */
async function fromGrubSettings(contents: ImageContents): Promise<string | undefined> {
  const main = await contents.text('/etc/default/grub');
  const more = await contents.matching('/etc/default/grub.d', /\.cfg$/);
  if (main === undefined && more.length === 0) return undefined;
  const settings = [main ?? '', ...more.map(({ text }) => text)].reduce(
    (known, text) => shellSettings(text, known),
    new Map<string, string>(),
  );
  return ['GRUB_CMDLINE_LINUX', 'GRUB_CMDLINE_LINUX_DEFAULT']
    .map((name) => settings.get(name) ?? '')
    .join(' ');
}
