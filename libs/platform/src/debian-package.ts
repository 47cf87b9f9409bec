/** Programs whose Debian package is not called like them. */
const packages: Record<string, string> = {
  'qemu-img': 'qemu-utils',
  'qemu-system-x86_64': 'qemu-system-x86',
  mke2fs: 'e2fsprogs',
  e2fsck: 'e2fsprogs',
  resize2fs: 'e2fsprogs',
  ipmi_sim: 'openipmi',
  ip: 'iproute2',
  'grub-fstest': 'grub-common',
  prlimit: 'util-linux',
  fallocate: 'util-linux',
  blkid: 'util-linux',
  'mkfs.vfat': 'dosfstools',
  'fsck.fat': 'dosfstools',
  mcopy: 'mtools',
  xz: 'xz-utils',
};

/** What to install when the program is missing. */
export function debianPackageOf(program: string): string {
  return packages[program] ?? program;
}
