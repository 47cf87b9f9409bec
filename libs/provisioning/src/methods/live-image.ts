import { type InstanceType, type Machine, usualKernelArguments } from '#core';
import type { NetworkBoot } from '#netboot';
import type { Config } from '#platform';
import type { InstallerFile } from './install-method.js';

type Settings = Pick<Config, 'publicUrl' | 'liveImage'>;

/** Starts our live image, which fetches a script of the instance and runs it. */
export function liveImageBoot(
  machine: Machine & { instanceId: string },
  type: Pick<InstanceType, 'kernelArguments'>,
  script: InstallerFile,
  { publicUrl, liveImage }: Settings,
): NetworkBoot {
  const scriptUrl = `${publicUrl}/boot/instances/${machine.instanceId}/${script}`;
  return {
    kind: 'kernel',
    what: 'the live image',
    kernelPath: 'boot/live/vmlinuz',
    initrdPath: 'boot/live/initrd.img',
    arguments: [
      `dodai_script=${scriptUrl}`,
      `dodai_pxe_mac=${machine.pxeMac}`,
      ...kernelWords(type),
      ...words(liveImage.kernelArgs),
    ],
  };
}

/** Of every kernel on a machine of this type. */
export function kernelWords({ kernelArguments }: Pick<InstanceType, 'kernelArguments'>): string[] {
  return words(kernelArguments ?? usualKernelArguments);
}

function words(text: string): string[] {
  return text.split(' ').filter((word) => word !== '');
}
