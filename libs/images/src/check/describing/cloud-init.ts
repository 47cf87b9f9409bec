import type { ImageContents } from '../reading/image-contents.js';

/** Whether cloud-init configures the OS when it starts: it is there, and was not put to rest. */
export async function isCloudInitAtWork(contents: ImageContents): Promise<boolean> {
  const program = await contents.firstOf('/usr/bin/cloud-init', '/usr/local/bin/cloud-init');
  return program !== undefined && !(await contents.has('/etc/cloud/cloud-init.disabled'));
}
