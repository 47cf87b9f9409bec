import type { UserDataPart } from '#core';
import { stringify } from 'yaml';
import type { DescribedInstance } from '../described-instance.js';
import { assembledParts } from './assembled.js';
import { filledParts, userDataContext } from './filled-parts.js';

/**
 * What cloud-init takes below user data, which wins wherever both say something: the site's parts, and the password of the default
 * user. Text, because JSON carries it; null: there is none. Throws DomainError `user-data-invalid`.
 */
export async function assembledVendorData(instance: DescribedInstance): Promise<Buffer | null> {
  const { vendorData, passwordHash } = instance.configuration;
  const parts = filledParts(vendorData, userDataContext(instance));
  if (passwordHash !== null) parts.push(passwordPart(passwordHash));
  return parts.length === 0 ? null : assembledParts(parts);
}

/** cloud-init tells by its form that it is a hash, for all that crypt(3) knows but yescrypt. */
function passwordPart(passwordHash: string): UserDataPart {
  const cloudConfig = { password: passwordHash, chpasswd: { expire: false }, ssh_pwauth: true };
  return {
    type: 'text/cloud-config',
    fileName: 'password.cfg',
    content: `#cloud-config\n${stringify(cloudConfig)}`,
    template: false,
  };
}
