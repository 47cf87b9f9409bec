import { Injectable } from '@nestjs/common';
import { DomainError, type InstanceType } from '#core';
import { checkFit } from '#provisioning';
import { ImageStore } from '#store';

type Described = Omit<InstanceType, 'createdAt' | 'defaultImageId'> &
  Partial<Pick<InstanceType, 'createdAt' | 'defaultImageId'>>;

/** The pool of an instance type, as its settings describe it: the image that is named is found, and must fit. */
@Injectable()
export class PoolSettings {
  constructor(private readonly images: ImageStore) {}

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
    if (image) checkFit(image, type);
    else if (type.poolSize > 0 || type.afterDestroy !== 'none') throw noImage(type.name);
    return { ...type, defaultImageId: image?.id ?? null };
  }
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
