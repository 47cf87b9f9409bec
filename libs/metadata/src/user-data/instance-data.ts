import type { DescribedInstance, InstanceData } from '../described-instance.js';
import { assembledUserData } from './assembled.js';
import { assembledVendorData } from './vendor-data.js';

/** What the owner's programs are given. Throws DomainError `user-data-invalid` or `user-data-too-large`. */
export async function instanceData(instance: DescribedInstance): Promise<InstanceData> {
  return { userData: await assembledUserData(instance), vendorData: await assembledVendorData(instance) };
}
