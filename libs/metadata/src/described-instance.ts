import type { InstanceConfiguration, Nic } from '#core';

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
  /** The disk that its OS is on, as the installer told it: `/dev/sda`; null: not known, and no document names it. */
  rootDevice: string | null;
  /** The machine's cards; the one that it boots from comes first. */
  nics: Nic[];
  configuration: InstanceConfiguration;
  /** 512 bytes of randomness for the guest's kernel, in base64. */
  randomSeed: string;
  /** What an OS runs at every start that no installer has prepared: it settles the instance and says `installed`; null: an installer has. */
  settlingScript: string | null;
}

/** What the owner's programs are given, ready to be sent; null: nothing. */
export interface InstanceData {
  userData: Buffer | null;
  /** Text, not packed: OpenStack's documents carry it inside JSON. */
  vendorData: Buffer | null;
}
