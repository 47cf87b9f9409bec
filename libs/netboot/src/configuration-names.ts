import { type Mac, macOfPxelinuxName } from './mac.js';

/** Whose configuration is asked for. */
export type Loader = 'pxelinux' | 'grub';

const CONFIGURATION = /^(?:(pxelinux)\.cfg\/|grub\/grub\.cfg-)([^/]+)$/;

/** A configuration of one machine, by the path it is asked for with; null for any other file. */
export function configurationName(path: string): { loader: Loader; name: string } | null {
  const [, pxelinux, name] = CONFIGURATION.exec(path) ?? [];
  return name === undefined ? null : { loader: pxelinux === undefined ? 'grub' : 'pxelinux', name };
}

/** The machine whose configuration is asked for: both loaders name it `01-<mac>`. Null for any other file. */
export function macOfConfiguration(path: string): Mac | null {
  const asked = configurationName(path);
  return asked === null ? null : macOfPxelinuxName(asked.name);
}

/** What a loader asks for on the way and does without: that it is not there says nothing. */
export function isOptionalFile(path: string): boolean {
  return /^(grub\/(x86_64-efi|fonts|locale)\/.*|(revocations|shim_certificate)[^/]*\.efi)$/.test(path);
}

/** Where the signed GRUB looks first, whatever machine it runs on. */
export const grubFirstConfiguration = 'grub/grub.cfg';

/**
 * Leads the signed GRUB to the machine's own configuration, by the MAC of the card that it came through, under the name that
 * GRUBs of other builds ask for by themselves. When there is none, the firmware goes on as it likes.
 */
export const grubFirstText = `regexp --set=1:a --set=2:b --set=3:c --set=4:d --set=5:e --set=6:f '^(..):(..):(..):(..):(..):(..)$' "$net_default_mac"
configfile "$prefix/grub.cfg-01-$a-$b-$c-$d-$e-$f"
exit
`;
