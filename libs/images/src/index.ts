/**
 * OS images as files: fetched from where the controller may go, taken in from a stream with every check that can be
 * made on the way (digest, length, what is inside), kept in chunks that are each compressed with zstd and have each a
 * digest, streamed to machines.
 */
export { type Inspection, inspectImage } from './check/inspect-image.js';
export { CacheKeeper } from './cache/cache-keeper.js';
export { ImageCache } from './cache/image-cache.js';
export { AddressPolicy } from './download/address-policy.js';
export { type DownloadProgress, ImageDownloads } from './download/image-downloads.js';
export { diskFull } from './disk-full.js';
export { type ByteRange, ImageLibrary } from './image-library.js';
export { type ImageSent, ImageServer } from './serving/image-server.js';
export type { StoredImage } from './image-import.js';
export type { ImportRequest } from './intake/intake.js';
export { Room } from './room.js';
export { ImageTrees, type TreeFile } from './trees/image-trees.js';
export { type RemoteDisk, RemoteDisks } from './writing/remote-disks.js';
export { UnpackedImages } from './writing/unpacked-images.js';
export { SumsSignatures } from './sums-signatures.js';
