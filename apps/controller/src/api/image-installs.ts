import { Injectable } from '@nestjs/common';
import { DomainError, type Image, type ImageInstall } from '#core';
import { ImageTrees } from '#images';
import { InstallMethods } from '#provisioning';
import { ImageStore } from '#store';

/** How images are installed, as their owners say it. */
@Injectable()
export class ImageInstalls {
  constructor(
    private readonly images: ImageStore,
    private readonly trees: ImageTrees,
    private readonly methods: InstallMethods,
  ) {}

  /** Throws DomainError `image-unsuitable` for what is not possible with what the image holds, and what unpacking it throws. */
  async set(image: Image, install: ImageInstall | null): Promise<Image> {
    await this.methods.checkSaid(image, install);
    if (install?.method === 'netinstall' || install?.method === 'live') {
      await this.checkFile(image, 'kernel', install.kernel);
      await this.checkFile(image, 'initrd', install.initrd);
    }
    return await this.images.setInstall(image, install);
  }

  private async checkFile(image: Image, field: 'kernel' | 'initrd', path: string): Promise<void> {
    try {
      await this.trees.open(image, path);
    } catch (error) {
      if (!(error instanceof DomainError) || error.code !== 'not-found') throw error;
      throw new DomainError('image-unsuitable', error.message, {
        remedy: error.remedy,
        context: { field: `install.${field}` },
        cause: error,
      });
    }
  }
}
