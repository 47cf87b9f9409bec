import type { ImageDescription, ImageFinding } from '#core';
import type { OpenedImage } from '../opened-image.js';
import type { ImageContents } from '../reading/image-contents.js';

/** An image with an operating system in it that could be read. */
export interface InspectedImage extends OpenedImage {
  contents: ImageContents;
  description: ImageDescription;
}

export type Outcome = Omit<ImageFinding, 'check'>;

/** Something that an image must satisfy. */
export interface Requirement {
  /** In one word. */
  check: string;
  /** undefined: it is nothing that this kind of image can miss. */
  look(image: InspectedImage): Promise<Outcome | undefined> | Outcome | undefined;
}

/** Each is a whole sentence. */
export const ok = (message: string): Outcome => ({ result: 'ok', message });
export const warning = (message: string, remedy: string): Outcome => ({ result: 'warning', message, remedy });
export const fault = (message: string, remedy: string): Outcome => ({ result: 'fault', message, remedy });

/** `a, b and c`; no more than a few of them by name. */
export function listed(names: readonly string[], most = 4): string {
  const shown = names.length > most ? [...names.slice(0, most), `${names.length - most} more`] : [...names];
  const last = shown.pop() ?? '';
  return shown.length > 0 ? `${shown.join(', ')} and ${last}` : last;
}
