import type { UserDataPart } from '#core';
import { stringify } from 'yaml';
import type { DescribedInstance } from '../described-instance.js';
import { assembledParts } from './assembled.js';
import { filledParts, userDataContext } from './filled-parts.js';

/**
 * What cloud-init takes below user data, which wins wherever both say something: the site's parts, the password of the default
 * user, and what the OS itself is to run for us. Text, because JSON carries it; null: there is none. Throws DomainError `user-data-invalid`.
 */
export async function assembledVendorData(instance: DescribedInstance): Promise<Buffer | null> {
  const { settlingScript, configuration } = instance;
  const { vendorData, passwordHash } = configuration;
  const parts = filledParts(vendorData, userDataContext(instance));
  if (passwordHash !== null) parts.push(passwordPart(passwordHash));
  if (settlingScript !== null) parts.push(settlingPart(settlingScript));
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

/** After the site's own scripts: cloud-init runs them in the order of their names. */
function settlingPart(content: string): UserDataPart {
  return { type: 'text/x-shellscript', fileName: 'zz-dodai.sh', content, template: false };
}
