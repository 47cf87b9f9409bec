import type { GrubFstest } from './grub-fstest.js';
import type { ImageFiles } from './image-files.js';

/** A file system, or a subvolume of one, and where the operating system has it. */
export interface Mount {
  /** `/`, `/boot`. */
  at: string;
  /** As GRUB calls it: `(loop0,gpt1)`. */
  device: string;
  /** The path in it of what is mounted: `` or `/@`. */
  top: string;
}

/** The files of an operating system that is spread over the file systems of a disk image. */
export class VolumeFiles implements ImageFiles {
  private readonly mounts: readonly Mount[];

  constructor(
    private readonly reader: GrubFstest,
    mounts: readonly Mount[],
  ) {
    this.mounts = mounts.toSorted((one, other) => other.at.length - one.at.length);
  }

  async list(directory: string): Promise<readonly string[]> {
    const place = this.placeOf(directory);
    return place ? this.reader.list(...place) : [];
  }

  async read(file: string, maxBytes: number): Promise<Buffer | undefined> {
    const place = this.placeOf(file);
    return place && this.reader.read(...place, maxBytes);
  }

  private placeOf(path: string): [device: string, path: string] | undefined {
    const mount = this.mounts.find(({ at }) => `${path}/`.startsWith(at === '/' ? '/' : `${at}/`));
    if (!mount) return undefined;
    const below = mount.at === '/' ? path : path.slice(mount.at.length);
    return [mount.device, `${mount.top}${below || '/'}`];
  }
}
