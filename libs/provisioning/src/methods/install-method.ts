import {
  type Completion,
  DomainError,
  type Image,
  type ImageInstall,
  type InstallationStage,
  type InstallMethodName,
  type Instance,
  type InstanceType,
  type Machine,
  methodFacts,
} from '#core';
import type { NetworkBoot } from '#netboot';
import type { DescribedOf } from '../configuring/instance-documents.js';
import { checkReachable } from './completion.js';

/** What a method works on. */
export interface Installation {
  machine: Machine;
  instance: Instance;
  type: InstanceType;
  image: Image;
}

/** The same, where there may be no instance yet. */
export type Imagined = Omit<Installation, 'instance'> & { instance: DescribedOf };

/** What of an image and of a kind of machine has to suit each other. */
export type FittingImage = Pick<
  Image,
  'name' | 'kind' | 'install' | 'fileSystem' | 'uncompressedBytes' | 'chunksSha256' | 'description'
>;
export type FittingType = Pick<
  InstanceType,
  | 'name'
  | 'localGb'
  | 'rootSizeMib'
  | 'swapSizeMib'
  | 'kdumpSizeMib'
  | 'ephemeralSizeMib'
  | 'diskLayout'
  | 'forbiddenMethods'
>;

/** The text files that a machine may fetch while it is installed or wiped. */
export const installerFiles = [
  'create.sh',
  'delete.sh',
  'notify.sh',
  'installer.sh',
  'finish.sh',
  'preseed.cfg',
  'user-data',
  'meta-data',
  'vendor-data',
  'kickstart.cfg',
  'autoyast.xml',
] as const;
export type InstallerFile = (typeof installerFiles)[number];

/** One of them, and when it is due: at any other time it is not served, for it has the machine's token inside. */
export interface ServedText {
  during: readonly InstallationStage[];
  render(installation: Installation): Promise<string>;
}

/** What a person is called for, and how the machine is then. */
export interface OperatorCall {
  instructions: string;
  power: 'on' | 'off';
}

/** The event that ends the stage `queued`, when the machine is seen to be off. */
export type Beginning = 'powered_off' | 'runs_in_memory' | 'operator_called';

/**
 * How a machine comes to run an image. The contract, which docs/design/install-methods.md has at length and one suite of tests
 * holds for all: it gets a machine, an image and the configuration of an instance. Whatever it does on the machine notifies
 * `install`, its progress, and `install_reboot` when the disk is written and closed; the OS then notifies `installed`. Afterwards
 * the OS is its owner's, a boot from the network leads to it, and a reset installs nothing a second time.
 */
export abstract class InstallMethod {
  abstract readonly name: InstallMethodName;
  readonly begins: Beginning = 'powered_off';
  /** What reports `install`, in words: "the live image". */
  readonly installer: string = 'the live image';
  readonly files: Partial<Record<InstallerFile, ServedText>> = {};

  /** Told at a spawn, before a machine is chosen. Throws DomainError `image-unsuitable` or `image-too-large`. */
  check(image: FittingImage, type: FittingType): void {
    if (!methodFacts[this.name].ownsDisk || type.localGb > 0) return;
    throw unsuitable(
      `The image ${image.name} is installed to a disk (${this.name}), and machines of the type ${type.name} have none.`,
      'Choose an instance type with a disk, or an image that runs in memory (live).',
    );
  }

  /** Throws the same when it is none for this very machine. */
  checkOn(_machine: Machine, image: FittingImage, type: FittingType): void {
    this.check(image, type);
  }

  /** Told at a spawn. Throws DomainError `invalid-request` or `answer-file-invalid` when what was configured does not do for it. */
  checkConfigured({ machine, image, instance }: Imagined): void {
    if (this.completion(image) === 'ssh') checkReachable(machine, instance.configuration);
  }

  /** How much disk the machine needs, in GB. */
  neededGb(_image: FittingImage, _type: FittingType): number {
    return 0;
  }

  /** How it is known that its OS is up. */
  completion(_image: Pick<Image, 'install'>): Completion {
    return 'notify';
  }

  /** What a person is told; only where the work begins with `operator_called`. */
  call({ image }: Installation): OperatorCall {
    throw unsuitable(
      `The image ${image.name} is installed by ${this.name}, for which nobody is called.`,
      'Retry.',
    );
  }

  /** Told when an image is to say that it is installed so. Throws DomainError with what is wrong with what it says. */
  async checkSaid(_install: ImageInstall): Promise<void> {}

  /** What a person may see beforehand of what the machine will be given; secrets are left out. */
  async preview(_imagined: Imagined): Promise<{ name: string; text: string }[]> {
    return [];
  }

  /** Before the machine is switched on. Throws DomainError with what makes the installation vain. */
  async prepare(_installation: Installation): Promise<void> {}

  /** What the machine is given when it boots from the network before the installer has reported in. */
  abstract installerBoot(installation: Installation): Promise<NetworkBoot>;

  /** What it is given afterwards, also at rest. */
  async osBoot({ machine }: Installation): Promise<NetworkBoot> {
    return { kind: 'local', reason: `${machine.name} has its OS on its disk` };
  }
}

export function unsuitable(message: string, remedy: string): DomainError {
  return new DomainError('image-unsuitable', message, { remedy, context: { field: 'image' } });
}
