import type { Instance, Machine } from '#core';
import type { ImageStore, InstanceTypeStore } from '#store';
import type { Installation } from './install-method.js';

interface Stores {
  images: ImageStore;
  types: InstanceTypeStore;
}

/** What a method works on, put together. */
export async function installationOf(
  { images, types }: Stores,
  machine: Machine,
  instance: Instance,
): Promise<Installation> {
  const [type, image] = await Promise.all([
    types.get(instance.instanceType),
    images.find(instance.imageId ?? ''),
  ]);
  return { machine, instance, type, image };
}
