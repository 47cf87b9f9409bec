import { firewall, owner, sshServer } from './access.js';
import { bootLoaders } from './boot-loaders.js';
import { growpart, lvm, partitionLayout, serialConsole } from './disk.js';
import { identity, pinnedMac } from './machine-bound.js';
import type { Requirement } from './requirement.js';
import { architecture, kernel, network, selinux, systemd } from './system.js';

/** What an image must satisfy, in the order in which it is shown. */
export const requirements: readonly Requirement[] = [
  architecture,
  ...bootLoaders,
  kernel,
  systemd,
  partitionLayout,
  lvm,
  growpart,
  network,
  pinnedMac,
  sshServer,
  firewall,
  selinux,
  owner,
  serialConsole,
  identity,
];
