import type { InstanceConfiguration, NicRole } from '#core';

/** A card of the machine, as the inventory has it. */
export interface DescribedNic {
  role: NicRole;
  /** Lower case, with colons. */
  mac: string;
  /** The address reserved for it; null: none is. */
  ip: string | null;
}

/** Everything that documents are made of. Nothing here is looked up any more. */
export interface DescribedInstance {
  id: string;
  hostName: string;
  /** Id of the image; null: the OS was there already. */
  imageId: string | null;
  instanceType: string;
  availabilityZone: string;
  /** null: the resource pool. */
  cluster: string | null;
  /** The machine's cards; the one that it boots from comes first. */
  nics: DescribedNic[];
  configuration: InstanceConfiguration;
  /** 512 bytes of randomness for the guest's kernel, in base64. */
  randomSeed: string;
}
