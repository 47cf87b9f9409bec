import type { Completion, Image, ImageInstall } from '#core';
import type { NetworkBoot } from '#netboot';
import type { Config } from '#platform';
import {
  type FittingImage,
  type FittingType,
  type Installation,
  InstallMethod,
  unsuitable,
} from './install-method.js';
import { checkKernelArguments, treeBoot } from './tree-boot.js';

/**
 * `live`: kernel and initial RAM disk of the image are the OS, at every start. It reads its configuration from the metadata service,
 * and nothing is written to a disk.
 */
export class Live extends InstallMethod {
  readonly name = 'live';
  override readonly begins = 'runs_in_memory';

  constructor(private readonly config: Pick<Config, 'publicUrl' | 'metadata'>) {
    super();
  }

  override check(image: FittingImage, type: FittingType): void {
    super.check(image, type);
    if (this.config.metadata.port !== 0) return;
    throw unsuitable(
      `The image ${image.name} runs in memory and has its configuration from the metadata service, which is switched off.`,
      'Set DODAI_METADATA_PORT, or choose an image that is installed to a disk.',
    );
  }

  override async checkSaid(install: ImageInstall): Promise<void> {
    if (install.method === this.name) checkKernelArguments(install.kernelArguments);
  }

  override completion({ install }: Pick<Image, 'install'>): Completion {
    return install?.method === 'live' ? install.completion : 'notify';
  }

  /** Until the machine was seen off, something else may still run on it. */
  override async installerBoot({ machine }: Installation): Promise<NetworkBoot> {
    return { kind: 'local', reason: `${machine.name} is about to be switched off` };
  }

  override async osBoot(installation: Installation): Promise<NetworkBoot> {
    const { install, name } = installation.image;
    if (install?.method !== 'live')
      throw unsuitable(
        `The image ${name} does not say any more how it runs in memory.`,
        `Set it again: dodai images set ${name} --install-method live …, then start the machine anew.`,
      );
    return treeBoot({ what: name, ...install }, installation, this.config);
  }
}
