/**
 * OS images as files: taken in from a stream with every check that can be made on the way (digest, length,
 * what is inside), kept compressed with zstd under the digest of their content, streamed to machines.
 */
export { type ByteRange, ImageLibrary } from './image-library.js';
export type { ImportRequest, StoredImage } from './import-stream.js';
