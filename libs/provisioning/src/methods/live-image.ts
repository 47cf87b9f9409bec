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
  return started(machine, type, liveImage, `dodai_script=${scriptUrl}`);
}

/** Starts our live image for a person: with shells, and no script. */
export function liveImageShell(
  machine: Machine,
  type: Pick<InstanceType, 'kernelArguments'>,
  { liveImage }: Pick<Settings, 'liveImage'>,
): NetworkBoot {
  return started(machine, type, liveImage, 'dodai_shell');
}

/** Where they are, below the URL of the controller. */
export const liveImageFiles = { kernelPath: 'boot/live/vmlinuz', initrdPath: 'boot/live/initrd.img' };

function started(
  { pxeMac }: Machine,
  type: Pick<InstanceType, 'kernelArguments'>,
  { kernelArgs }: Settings['liveImage'],
  task: string,
): NetworkBoot {
  return {
    kind: 'kernel',
    what: 'the live image',
    ...liveImageFiles,
    arguments: [task, `dodai_pxe_mac=${pxeMac}`, ...kernelWords(type), ...words(kernelArgs)],
  };
}

/** Of every kernel on a machine of this type. */
export function kernelWords({ kernelArguments }: Pick<InstanceType, 'kernelArguments'>): string[] {
  return words(kernelArguments ?? usualKernelArguments);
}

function words(text: string): string[] {
  return text.split(' ').filter((word) => word !== '');
}
