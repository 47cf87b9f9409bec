/** How much of an image is read before it is decided what it is: as far as Btrfs' superblock goes. */
export const bytesToRecognise = 64 * 1024 + 4096;

/** The beginning of an image. Past its end it reads as zeros, so that every field of every format can be asked for. */
export class Head {
  private readonly bytes: Buffer;
  /** How much of it came: less than `bytesToRecognise` only when that was the whole image. */
  readonly length: number;

  constructor(came: Buffer) {
    this.length = Math.min(came.length, bytesToRecognise);
    this.bytes = Buffer.alloc(bytesToRecognise);
    came.copy(this.bytes);
  }

  /** Whether these characters, a byte each, stand there. */
  has(text: string, at = 0): boolean {
    return this.text(at, text.length) === text;
  }

  /** A byte is a character. */
  text(at: number, length: number): string {
    return this.bytes.toString('latin1', at, at + length);
  }

  /** What came of it, up to a length. */
  came(most: number): Buffer {
    return this.bytes.subarray(0, Math.min(most, this.length));
  }

  u8 = (at: number): number => this.bytes.readUInt8(at);
  u16le = (at: number): number => this.bytes.readUInt16LE(at);
  u16be = (at: number): number => this.bytes.readUInt16BE(at);
  u32le = (at: number): number => this.bytes.readUInt32LE(at);
  u32be = (at: number): number => this.bytes.readUInt32BE(at);
  /** Sizes: what is above 2^53 is no size of a disk, and need not be exact. */
  u64le = (at: number): number => Number(this.bytes.readBigUInt64LE(at));
  u64be = (at: number): number => Number(this.bytes.readBigUInt64BE(at));
}

/** What an image turned out to be. */
export interface Finding {
  /** One word, for programs: `ext4`, `qcow2`. */
  type: string;
  /** With its article, as it ends `it is …`; without the size. */
  called: string;
  /** Of the whole of it, unpacked, as it says itself; undefined: it does not say. */
  sizeBytes?: number;
  /** How long the file must be to have all that it says it has, when it says. */
  fileBytes?: number;
  /** In place of what is done with others of its kind. */
  use?: Use;
}

/**
 * What is done with images of a kind: they are installed, or started, as what they are; what is in them is read out by
 * qemu-img, which calls them `driver`, and is then looked at; or they are refused.
 */
export type Use =
  | { as: 'file_system' | 'disk' | 'tarball' | 'iso' }
  | { as: 'container'; driver: string }
  | {
      as: 'refused';
      /** What to do to have one that can be installed. */
      remedy: string;
    };

/** A row of the table of kinds. */
export interface KnownKind {
  use: Use;
  /** undefined: it is not of this kind. */
  read(head: Head): Finding | undefined;
}

/** The kind that is known by what stands at one place. */
export function byMagic(finding: Finding, magic: string, use: Use, at = 0): KnownKind {
  return { use, read: (head) => (head.has(magic, at) ? finding : undefined) };
}

/** What a file says of itself, as one line that is fit to be shown. */
export function shown(text: string, most = 60): string {
  const line = text.replace(/[\p{C}\s]+/gu, ' ').trim();
  return line.length > most ? `${line.slice(0, most)}…` : line;
}
