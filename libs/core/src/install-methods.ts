import type { ImageKind } from './image-kinds.js';

/**
 * How a machine comes to run an image. From outside a spawn is a spawn: all of them end in the same configured, reporting system.
 * `copy`: a file system or a tarball goes onto partitions. `image`: a whole disk is written. `iscsi`: the controller writes it, to a
 * disk that the machine exports. `netinstall`: the distribution's own installer, with an answer file. `live`: it runs in memory, and
 * no disk is written. `manual`: a person installs it.
 */
export const installMethods = ['copy', 'image', 'iscsi', 'netinstall', 'live', 'manual'] as const;
export type InstallMethodName = (typeof installMethods)[number];

interface MethodFacts {
  /** What of the kinds of images it can bring to a machine. */
  kinds: readonly ImageKind[];
  /** Whether the OS is on a disk of the machine afterwards, which then starts it. */
  ownsDisk: boolean;
  /** Whether a machine that has it waits in the pool and can be handed over: its OS knows how to ask for its owner. */
  pools: boolean;
  /** Whether the image has to say more for it than that it is this method. */
  needsMore: boolean;
}

export const methodFacts: Record<InstallMethodName, MethodFacts> = {
  copy: { kinds: ['file_system', 'tarball'], ownsDisk: true, pools: true, needsMore: false },
  image: { kinds: ['disk'], ownsDisk: true, pools: true, needsMore: false },
  iscsi: { kinds: ['disk'], ownsDisk: true, pools: true, needsMore: false },
  netinstall: { kinds: ['tarball', 'iso'], ownsDisk: true, pools: false, needsMore: true },
  live: { kinds: ['tarball', 'iso'], ownsDisk: false, pools: false, needsMore: true },
  manual: { kinds: ['file_system', 'tarball', 'disk', 'iso'], ownsDisk: true, pools: false, needsMore: true },
};

/** What every kernel is told of where to speak, unless the instance type says otherwise. */
export const usualKernelArguments = 'console=tty0 console=ttyS0,115200n8';

/** The methods that do nothing else with an image than to write it. */
export type WritingMethod = 'copy' | 'image' | 'iscsi';

/** The answer files of installers: of Debian, Ubuntu, the RHEL family, and openSUSE. */
export const answerFormats = ['preseed', 'autoinstall', 'kickstart', 'autoyast'] as const;
export type AnswerFormat = (typeof answerFormats)[number];

/** Longest answer file: what installers read, they read into memory. */
export const maxAnswerFileBytes = 256 * 1024;

/** Its text, or where it is: then it is fetched at each installation. */
export type AnswerFile =
  { format: AnswerFormat; text: string | null } | { format: AnswerFormat; url: string };

/** How it is known that an OS is up: it says so, or it answers on SSH. */
export const completions = ['notify', 'ssh'] as const;
export type Completion = (typeof completions)[number];

/** A kernel that is started over the network; paths are inside the image. */
interface BootedKernel {
  kernel: string;
  initrd: string;
  /** As a template: `{{ treeUrl }}`, `{{ answerFileUrl }}`, `{{ metadataUrl }}`. Those of the instance type come besides. */
  kernelArguments: string;
}

/** What a person is called for. */
export interface ManualInstallation {
  instructions: string;
  /** What the machine is given when it boots from the network meanwhile. */
  netboot: 'local' | 'live_image';
  /** How the machine is when the person is called. */
  power: 'on' | 'off';
  completion: Completion;
}

/** How an image says that it is installed. */
export type ImageInstall =
  | { method: WritingMethod }
  | ({ method: 'netinstall'; answerFile: AnswerFile } & BootedKernel)
  | ({ method: 'live'; completion: Completion } & BootedKernel)
  | ({ method: 'manual' } & ManualInstallation);

/** How an image is installed that does not say; undefined: it has to. */
const usual: Record<ImageKind, InstallMethodName | undefined> = {
  file_system: 'copy',
  tarball: 'copy',
  disk: 'image',
  iso: undefined,
};

/** How an image is installed unless a spawn says otherwise; undefined: it has to say. */
export function methodOf({
  kind,
  install,
}: {
  kind: ImageKind;
  install: ImageInstall | null;
}): InstallMethodName | undefined {
  return install?.method ?? usual[kind];
}
