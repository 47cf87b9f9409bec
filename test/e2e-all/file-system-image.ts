import path from 'node:path';
import { execa } from 'execa';

/** Root lies as the installers of their distributions leave it: on Btrfs in a subvolume. */
const make = {
  xfs: 'mkfs.xfs -q "$image" && mount -o loop "$image" "$root"',
  btrfs: `mkfs.btrfs -q "$image" && mount -o loop "$image" "$root"
btrfs -q subvolume create "$root/@rootfs"
umount "$root" && mount -o loop,subvol=@rootfs "$image" "$root"`,
};

/** Mounts of its own, so that nothing stays mounted whenever this ends. */
const script = (mountNew: string) => `
set -euo pipefail
image=$1 root=$1.root
mkdir "$root"
truncate --size=640M "$image"
${mountNew}
tar --extract --file="$2" --directory="$root" --numeric-owner --same-permissions --xattrs --xattrs-include='*'
umount "$root"
zstd -q -T0 --rm "$image" -o "$3"
rmdir "$root"
`;

/** Makes an image that is a file system of what is in a tarball, and says where it is. */
export async function makeFileSystemImage(
  type: keyof typeof make,
  { tarball, dir }: { tarball: string; dir: string },
): Promise<string> {
  const image = path.join(dir, type);
  const file = `${image}.zst`;
  await execa('unshare', ['--mount', 'bash', '-c', script(make[type]), 'make', image, tarball, file]);
  return file;
}
