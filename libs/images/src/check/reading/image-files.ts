/**
 * The files of the operating system in an image, by absolute paths. Links are followed inside the image alone; what is
 * too large, damaged or made to mislead is as if it were not there.
 */
export interface ImageFiles {
  /** The names in a directory; none when there is no such directory. */
  list(directory: string): Promise<readonly string[]>;
  /** The first bytes of a file; undefined: there is no such file, or it cannot be read. */
  read(file: string, maxBytes: number): Promise<Buffer | undefined>;
}
