import { DomainError } from '#core';
import { shown } from '../kinds/kind.js';

interface Place {
  address: string;
  port: number;
}

/** How qemu-img, libiscsi and the disk itself word why nothing was written, and what it means; the first that fits. */
const refusals: readonly { words: RegExp; says: (place: string) => string; remedy: string }[] = [
  {
    words: /Authentication failure/,
    says: (place) => `The machine at ${place} refused the secret of this instance (CHAP)`,
    remedy:
      'It runs a script of another installation: retry, so that it boots anew. When several controllers share a database, give them all the same DODAI_SECRET_KEY.',
  },
  {
    words: /Target not found/,
    says: (place) => `The machine at ${place} does not export its disk to this controller`,
    remedy:
      'It lets in the one address that this controller has towards it: let no NAT and no proxy stand between them, or install by the method image.',
  },
  {
    words: /iscsi_service|Can not reconnect|No route to host|Connection (refused|timed out)/i,
    says: (place) => `The controller cannot reach the machine at ${place}`,
    remedy:
      'Let no firewall keep the controller from this port of the machines, or install by the method image.',
  },
  {
    words: /output file is smaller than input file/,
    says: (place) => `The disk of the machine at ${place} is smaller than the image`,
    remedy: 'Choose a smaller image, or another disk with the root device hint of the machine.',
  },
  {
    words: /error while writing/,
    says: (place) => `The disk of the machine at ${place} refused to be written`,
    remedy: 'Look at its health in the log of the kernel on the serial console, and retry with another disk.',
  },
];

/** What went wrong when a disk was written, by what qemu-img said. */
export function refusalOf({ address, port }: Place, stderr: string): DomainError {
  const said = shown(
    stderr.replace(/^qemu-img: /gm, '').replace(/Could not open 'driver=iscsi[^']*': /, ''),
    200,
  );
  if (/Unknown (protocol|driver) '?iscsi/.test(stderr)) return noInitiator(said);
  if (/failed to execute qemu-img/.test(stderr)) return missing();
  const refusal = refusals.find(({ words }) => words.test(stderr));
  const says = refusal?.says(`${address} port ${port}`) ?? 'The disk was not written';
  const remedy = refusal?.remedy ?? 'Retry; when it fails again, install by the method image.';
  return new DomainError('disk-not-written', `${says}: ${said}`, { remedy });
}

function noInitiator(said: string): DomainError {
  return new DomainError('program-missing', `qemu-img on this host knows no iSCSI: ${said}`, {
    remedy: 'Install the Debian package qemu-block-extra on the host of the controller.',
  });
}

function missing(): DomainError {
  return new DomainError('program-missing', 'qemu-img was to run, but is not installed on this host', {
    remedy: 'install the Debian package qemu-utils',
  });
}
