import type { Completion, Image, ImageInstall } from '#core';
import type { NetworkBoot } from '#netboot';
import type { Config } from '#platform';
import { fitting } from './command-line.js';
import {
  type FittingImage,
  type FittingType,
  type Imagined,
  type Installation,
  InstallMethod,
  unsuitable,
} from './install-method.js';
import { checkLiveNetwork, networkWords } from './live-network.js';
import { checkKernelArguments, treeBoot, type TreeHost } from './tree-boot.js';

export interface LiveHost extends TreeHost {
  config: Pick<Config, 'publicUrl' | 'metadata'>;
}

/**
 * `live`: kernel and initial RAM disk of the image are the OS, at every start. It reads its configuration from the metadata service,
 * and nothing is written to a disk.
 */
export class Live extends InstallMethod {
  readonly name = 'live';
  override readonly begins = 'runs_in_memory';

  constructor(private readonly host: LiveHost) {
    super();
  }

  override check(image: FittingImage, type: FittingType): void {
    super.check(image, type);
    if (this.host.config.metadata.port !== 0) return;
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

  override checkConfigured(imagined: Imagined): void {
    super.checkConfigured(imagined);
    checkLiveNetwork(imagined.machine, imagined.instance.configuration.network);
    this.boot(imagined);
  }

  override async prepare(installation: Installation): Promise<void> {
    this.boot(installation);
    this.host.unpackAhead?.(installation.image);
  }

  /** Until the machine was seen off, something else may still run on it. */
  override async installerBoot({ machine }: Installation): Promise<NetworkBoot> {
    return { kind: 'local', reason: `${machine.name} is about to be switched off` };
  }

  override async osBoot(installation: Installation): Promise<NetworkBoot> {
    return this.boot(installation);
  }

  override async preview(imagined: Imagined): Promise<{ name: string; text: string }[]> {
    return [{ name: 'kernel-arguments', text: `${this.boot(imagined).arguments.join(' ')}\n` }];
  }

  private boot(imagined: Imagined): NetworkBoot & { kind: 'kernel' } {
    const { install, name } = imagined.image;
    if (install?.method !== 'live')
      throw unsuitable(
        `The image ${name} does not say any more how it runs in memory.`,
        `Set it again: dodai images set ${name} --install-method live …, then start the machine anew.`,
      );
    const boot = treeBoot({ what: name, ...install }, imagined, this.host.config);
    const words = [...boot.arguments, ...networkWords(imagined)];
    return fitting({ ...boot, arguments: words }, imagined, this.host.config);
  }
}
