import { DomainError, type Image } from '#core';
import type { NetworkBoot } from '#netboot';
import type { Config } from '#platform';
import { renderText } from '#templates';
import { metadataUrlOf } from '../configuring/owner-context.js';
import type { Imagined } from './install-method.js';
import { kernelWords } from './live-image.js';

/** A kernel and an initial RAM disk among the files of an image, and the template of its arguments. */
interface TreeKernel {
  what: string;
  kernel: string;
  initrd: string;
  kernelArguments: string;
}

export interface TreeHost {
  /**
   * Begins to unpack the files of an image, so that they are there when the machine asks for them; whoever asks earlier waits for it, and is
   * told why it failed. Only where this controller hands them out.
   */
  unpackAhead?: (image: Image) => void;
}

/** Where the files of an image are, below the URL of the controller. */
const treePath = (imageId: string) => `boot/images/${imageId}/tree`;

/** Where its loader finds them, below the URL of the controller. */
export function treeFiles(imageId: string, { kernel, initrd }: Pick<TreeKernel, 'kernel' | 'initrd'>) {
  const tree = treePath(imageId);
  return { kernelPath: `${tree}/${kernel}`, initrdPath: `${tree}/${initrd}` };
}

type Settings = Pick<Config, 'publicUrl' | 'metadata'>;

/**
 * Starts a kernel that is among the files of an image (its *tree*). Throws DomainError `image-unsuitable` for arguments that cannot be
 * filled in.
 */
export function treeBoot(
  { what, kernel, initrd, kernelArguments }: TreeKernel,
  installation: Imagined,
  settings: Settings,
  more: Record<string, string> = {},
): NetworkBoot & { kind: 'kernel' } {
  const values = { ...kernelValues(installation, settings), ...more };
  return {
    kind: 'kernel',
    what,
    ...treeFiles(installation.image.id, { kernel, initrd }),
    arguments: [...filledIn(kernelArguments, values), ...kernelWords(installation.type)],
  };
}

/** Throws the same for arguments that name what there is not; told when the image is changed. */
export function checkKernelArguments(template: string, more: readonly string[] = []): void {
  const known = Object.fromEntries([...kernelValueNames, ...more].map((name) => [name, name]));
  filledIn(template, known);
}

const kernelValueNames = [
  'treeUrl',
  'metadataUrl',
  'controllerUrl',
  'instanceId',
  'hostName',
  'pxeMac',
] as const;

function kernelValues(
  { machine, instance, image }: Imagined,
  settings: Settings,
): Record<(typeof kernelValueNames)[number], string> {
  const { publicUrl } = settings;
  return {
    treeUrl: `${publicUrl}/${treePath(image.id)}`,
    metadataUrl: metadataUrlOf(settings) ?? '',
    controllerUrl: publicUrl,
    instanceId: instance.id,
    hostName: instance.hostName,
    pxeMac: machine.pxeMac,
  };
}

function filledIn(template: string, values: object): string[] {
  try {
    return renderText(template, values)
      .split(' ')
      .filter((word) => word !== '');
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    throw new DomainError(
      'image-unsuitable',
      `The kernel arguments of the image cannot be filled in: ${error.message}.`,
      { remedy: error.remedy, context: { field: 'install.kernelArguments' }, cause: error },
    );
  }
}
