import { DomainError, type ImageDescription, type ImageFinding } from '#core';
import { type Clock, type StreamingProcesses, SystemClock } from '#platform';
import { describe, undescribed } from './describing/describe.js';
import { type ImageToInspect, openImage, type OpenedImage } from './opened-image.js';
import { BoundedPrograms } from './reading/bounded-programs.js';
import { requirements } from './requirements/all.js';
import { mediumFindings } from './requirements/medium.js';
import { architecture } from './requirements/system.js';

export interface Inspection {
  description: ImageDescription;
  findings: ImageFinding[];
}

interface InspectOptions {
  signal?: AbortSignal;
  clock?: Clock;
}

/**
 * Reads from inside an image what it is and how it meets the requirements on images; without root, and without
 * mounting it. Whatever is in it, that ends after three minutes at the latest; an image that cannot be read has one
 * finding that says so. Rejects with the signal's reason only.
 */
export async function inspectImage(
  image: ImageToInspect,
  processes: StreamingProcesses,
  { signal = new AbortController().signal, clock = new SystemClock() }: InspectOptions = {},
): Promise<Inspection> {
  try {
    const opened = await openImage(image, new BoundedPrograms(processes, clock, signal));
    const description = await describe(opened);
    return { description, findings: await findingsOf(opened, description) };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof DomainError)) throw error;
    return { description: undescribed, findings: [unread(error)] };
  }
}

/**
 * An image that no machine can run is refused; of other faults the operator is told, who may know better.
 * Throws DomainError `image-invalid`.
 */
export function refuseForeign({ findings }: Inspection): void {
  const foreign = findings.find(({ check, result }) => check === architecture.check && result === 'fault');
  if (!foreign) return;
  throw new DomainError('image-invalid', `The image cannot be installed. ${foreign.message}`, {
    remedy: foreign.remedy,
    context: { field: 'body', check: foreign.check },
  });
}

async function findingsOf(opened: OpenedImage, description: ImageDescription): Promise<ImageFinding[]> {
  const { contents } = opened;
  if (description.bootFiles) return mediumFindings(description.bootFiles, description);
  if (contents === null) return [nothingInside(opened)];
  const found: ImageFinding[] = [];
  for (const requirement of requirements) {
    const outcome = await requirement.look({ ...opened, contents, description });
    if (outcome) found.push({ check: requirement.check, ...outcome });
  }
  return found;
}

const operatingSystem = 'operating-system';

function nothingInside({ kind, disk }: OpenedImage): ImageFinding {
  const encrypted = disk?.table.partitions.some(({ fileSystem }) => fileSystem === 'luks');
  return {
    check: operatingSystem,
    result: 'fault',
    message: `No operating system was found in it: no ${kind === 'disk' ? 'partition' : 'root'} with /etc and /usr${encrypted ? ', but an encrypted volume' : ''}.`,
    remedy: encrypted
      ? 'Send the image without encryption.'
      : 'Make sure that it is the root of a Linux, with an undamaged ext4, XFS or Btrfs file system.',
  };
}

function unread({ message, remedy }: DomainError): ImageFinding {
  return {
    check: operatingSystem,
    result: 'warning',
    message: `It was not looked into, and may lack anything: ${message}`,
    remedy: remedy ?? 'Import it again.',
  };
}
