/**
 * What an image holds, and so what can be done with it: a file system goes to its partition, a whole disk to the disk, a
 * tarball into a file system that is made for it; an ISO is started. A tarball and an ISO can also hold what is started
 * over the network: an installer, or an OS that runs in memory.
 */
export const imageKinds = ['file_system', 'disk', 'tarball', 'iso'] as const;
export type ImageKind = (typeof imageKinds)[number];
