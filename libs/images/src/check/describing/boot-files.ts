import { posix } from 'node:path';
import type { BootFiles } from '#core';

/** As installers and live systems call them: `linux`, `vmlinuz-6.1.0-18-amd64`, Ubuntu's `hwe-vmlinuz`. */
const kernelName = /^(hwe-)?(?:vmlinuz|bzImage|linux)((?:[-.].*)?)$/;
const initrdName = /^(?:hwe-)?(?:initrd|initramfs)/;
/** What is beside them under such names. */
const otherName = /\.(?:c32|cfg|conf|efi|gpg|list|mod|sha\w*|sig|txt)$/;

/** More than any medium has. */
const mostPairs = 16;

export function mayBeBootFile(path: string): boolean {
  const name = posix.basename(path);
  return (kernelName.test(name) || initrdName.test(name)) && !otherName.test(name);
}

/** The kernels among these absolute paths that have an initrd beside them, those with the shortest paths first. They come out relative to the top. */
export function bootFilesAmong(paths: readonly string[]): BootFiles[] {
  const folders = new Map<string, string[]>();
  for (const path of paths.filter(mayBeBootFile)) {
    const folder = posix.dirname(path);
    folders.set(folder, [...(folders.get(folder) ?? []), posix.basename(path)]);
  }
  const below = (folder: string, name: string) => posix.join(folder, name).replace(/^\//, '');
  const pairs = [...folders].flatMap(([folder, names]) =>
    pairsOf(names).map(({ kernel, initrd }) => ({
      kernel: below(folder, kernel),
      initrd: below(folder, initrd),
    })),
  );
  return pairs.sort((one, other) => one.kernel.length - other.kernel.length).slice(0, mostPairs);
}

/** Each kernel with the initrd of its version; where names have no version, with the plainest. */
function pairsOf(names: readonly string[]): BootFiles[] {
  const initrds = names
    .filter((name) => initrdName.test(name))
    .sort((one, other) => one.length - other.length);
  return names.flatMap((kernel) => {
    const [, edition = '', version = ''] = kernelName.exec(kernel) ?? [];
    const initrd = initrds.find((name) => name.startsWith(edition) && name.includes(version)) ?? initrds[0];
    return kernelName.test(kernel) && initrd !== undefined ? [{ kernel, initrd }] : [];
  });
}
