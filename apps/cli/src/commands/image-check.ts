import type { Command } from 'commander';
import { DomainError } from '#core';
import type { CliIo } from '../cli-io.js';
import { type Session, withSession } from '../session.js';
import { findingsTable, standing } from '../view/image-findings.js';

const help = `
An image is looked into when it is imported: network cards of another machine, SSH server, firewall, boot loaders, kernel,
partitions, serial console and more. Ends with 1 when there is a fault.

Examples:
  dodai images check debian-12
  dodai images check debian-12 --json | jq -r '.findings[] | select(.result != "ok") | .remedy'`;

export function addImageCheck(images: Command, io: CliIo): void {
  images
    .command('check')
    .argument('<image>', 'id or name')
    .description('Show how an image meets what dodai asks of images')
    .addHelpText('after', help)
    .action(withSession(io, check));
}

async function check({ client, output }: Session, name: string): Promise<void> {
  const image = await client.image(name);
  output.result(image, (palette) => findingsTable(image, palette));
  if (!image.findings.some(({ result }) => result === 'fault')) return;
  throw new DomainError('image-invalid', `The image ${image.name} has ${standing(image)}.`, {
    remedy: 'Mend them in the image and import it again.',
  });
}
