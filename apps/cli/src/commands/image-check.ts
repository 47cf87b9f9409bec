import type { Command } from 'commander';
import { imageStanding, type ImageView } from '#contract';
import { DomainError } from '#core';
import type { CliIo } from '../cli-io.js';
import { type Session, withSession } from '../session.js';
import { findingsTable } from '../view/image-findings.js';
import { showTransfer } from '../view/transfer-bar.js';

const help = `
An image is looked into when it is imported: network cards of another machine, SSH server, firewall, boot loaders, kernel,
partitions, serial console and more. That is shown, unless it is looked into --again, which is of use when another version of
dodai knows more. Ends with 1 when there is a fault.

Examples:
  dodai images check debian-12
  dodai images check debian-12 --again
  dodai images check debian-12 --json | jq -r '.findings[] | select(.result != "ok") | .remedy'`;

export function addImageCheck(images: Command, io: CliIo): void {
  images
    .command('check')
    .argument('<image>', 'id or name')
    .description('Show how an image meets what dodai asks of images')
    .option('--again', 'look into it now, and keep what is found')
    .addHelpText('after', help)
    .action(withSession(io, check));
}

async function check(session: Session, name: string, { again }: { again?: true }): Promise<void> {
  const { client, output } = session;
  const image = again ? await checkAgain(session, name) : await client.image(name);
  output.result(image, (palette) => findingsTable(image, palette));
  if (!image.findings.some(({ result }) => result === 'fault')) return;
  throw new DomainError('image-invalid', `The image ${image.name} has ${imageStanding(image)}.`, {
    remedy: 'Mend them in the image and import it again.',
  });
}

async function checkAgain({ client, output, io }: Session, name: string): Promise<ImageView> {
  const bar = showTransfer(output, io, name);
  try {
    return await client.checkImage(name, { onProgress: bar.update, signal: io.signal });
  } finally {
    bar.close();
  }
}
