import { Injectable } from '@nestjs/common';
import { DomainError, type Image, type InstallMethodName, type InstanceType, methodFacts } from '#core';
import { InstallMethods } from '#provisioning';
import { ImageStore } from '#store';

type Described = Omit<InstanceType, 'createdAt' | 'defaultImageId'> &
  Partial<Pick<InstanceType, 'createdAt' | 'defaultImageId'>>;

/** The pool of an instance type, as its settings describe it: the image that is named is found, and must fit. */
@Injectable()
export class PoolSettings {
  constructor(
    private readonly images: ImageStore,
    private readonly methods: InstallMethods,
  ) {}

  /**
   * The type with its default image as an id. `defaultImage` undefined: the one it has. Throws `image-not-found`,
   * `image-too-large`, and `pool-image-missing` when machines are to wait in a pool and nothing is to be on them.
   */
  async resolved<T extends Described>({
    defaultImage,
    ...type
  }: T & { defaultImage?: string | null }): Promise<
    Omit<T, 'defaultImage'> & { defaultImageId: string | null }
  > {
    const wanted = defaultImage === undefined ? (type.defaultImageId ?? null) : defaultImage;
    const image = wanted === null ? null : await this.images.find(wanted);
    if (image) this.check(image, type);
    else if (type.poolSize > 0 || type.afterDestroy !== 'none') throw noImage(type.name);
    return { ...type, defaultImageId: image?.id ?? null };
  }

  private check(image: Image, type: Described): void {
    const { name } = this.methods.choose(image, type);
    if (!methodFacts[name].pools) throw notForPools(image, name);
  }
}

/** What waits in the pool has to be able to ask who its owner is. */
function notForPools({ name }: Image, method: InstallMethodName): DomainError {
  return new DomainError(
    'image-unsuitable',
    `The image ${name} is installed by ${method}, which leaves nothing that could be handed over.`,
    {
      remedy: 'Choose an image of a disk, a file system or a tarball for the pool.',
      context: { field: 'defaultImage' },
    },
  );
}

function noImage(name: string): DomainError {
  return new DomainError(
    'pool-image-missing',
    `Machines of the type ${name} are to wait in the pool, and it has no default image.`,
    {
      remedy: 'Set defaultImage too; or poolSize 0 and afterDestroy none.',
      context: { field: 'defaultImage' },
    },
  );
}
