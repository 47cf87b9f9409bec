import type { Machine } from '#core';
import type { ImageStore, InstanceTypeStore } from '#store';
import type { DescribedOf } from '../configuring/instance-documents.js';
import type { Imagined } from './install-method.js';

export interface InstallationStores {
  images: ImageStore;
  types: InstanceTypeStore;
}

/** What a method works on, put together. */
export async function installationOf<I extends DescribedOf>(
  { images, types }: InstallationStores,
  machine: Machine,
  instance: I,
): Promise<Imagined & { instance: I }> {
  const [type, image] = await Promise.all([
    types.get(instance.instanceType),
    images.find(instance.imageId ?? ''),
  ]);
  return { machine, instance, type, image };
}
