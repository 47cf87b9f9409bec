import { type Command, Option } from 'commander';
import { fileNameOf } from '#contract';
import { DomainError } from '#core';
import type { CliIo } from '../cli-io.js';
import { collect } from '../collect.js';
import { digestsOf, digestsOfUrl, type Expected } from '../file-digest.js';
import { sendImage } from '../send-image.js';
import { installHelp, installOf, type InstallOptions, withInstallOptions } from '../install-options.js';
import { type Session, withSession } from '../session.js';
import { showTransfer } from '../view/transfer-bar.js';
import { imageDetails, imageTable } from '../view/image.js';
import { complaints } from '../view/image-findings.js';
import { addImageCheck } from './image-check.js';

interface ImportOptions extends Expected, InstallOptions {
  name: string;
  defaultUser?: string;
}

const importHelp = `
The file is a whole disk (raw, qcow2, VMDK, VHD, VHDX or VDI), a root file system (ext4, ext3, ext2, XFS or Btrfs), a
tarball of one, or an ISO; as it is, or compressed with zstd, gzip, xz or bzip2. What it is is read from it, whatever its
name. Give the digest that came with it, or the list of digests: without one only the way to the controller is checked.
What the controller is to fetch, by http or https, needs one; it goes to public addresses, and to those that its
DODAI_IMAGE_URL_ALLOW names. Sending a large file again goes on where the last attempt stopped.

Examples:
  dodai images import debian-12.ext4.zst --name debian-12 --default-user debian --sha256 0a5a0d62…
  dodai images import ubuntu.ext4.xz --name ubuntu --sums SHA256SUMS
  dodai images import https://images.example.org/debian-12-genericcloud-amd64.qcow2 --name debian-12 --sums SHA512SUMS
  dodai images import ubuntu.ext4.xz --name ubuntu --sums SHA256SUMS --sums-signature SHA256SUMS.gpg --signed-by key.asc`;

export function addImages(program: Command, io: CliIo): void {
  const images = program
    .command('images')
    .alias('image')
    .description('OS images that machines are installed with');
  images.command('list').alias('ls').description('List images').action(withSession(io, list));
  images
    .command('show')
    .argument('<image>', 'id or name')
    .description('Show one image')
    .action(withSession(io, show));
  const importing = images
    .command('import')
    .argument('<file>', 'file to send, or http or https URL to have fetched')
    .description('Send an image to the controller, or have it fetch one; it checks and keeps it')
    .requiredOption('--name <name>', 'what to call it')
    .option('--sha256 <digest>', 'SHA-256 that the file must have (default: the one it has)')
    .option('--sha512 <digest>', 'SHA-512 that the file must have')
    .addOption(
      new Option('--sums <file>', 'list of digests, such as SHA256SUMS, that names the file').conflicts([
        'sha256',
        'sha512',
      ]),
    )
    .option('--sums-signature <file>', 'signature of that list, unless it is signed in itself')
    .option('--signed-by <keyring>', 'public keys of which one must have signed that list')
    .option('--default-user <user>', 'user that SSH keys are put in for');
  withInstallOptions(importing).addHelpText('after', importHelp).action(withSession(io, importImage));
  const setting = images
    .command('set')
    .argument('<image>', 'id or name')
    .description('Say how an image is installed from now on');
  withInstallOptions(setting).addHelpText('after', installHelp).action(withSession(io, set));
  addImageCheck(images, io);
  images
    .command('delete')
    .alias('rm')
    .argument('<image>', 'id or name')
    .description('Remove an image that no instance was made from')
    .action(withSession(io, remove));
}

async function list({ client, output, io }: Session): Promise<void> {
  const images = await collect(client.listImages());
  output.result(images, (palette) => imageTable(images, palette, io.now()));
}

async function show({ client, output }: Session, name: string): Promise<void> {
  const image = await client.image(name);
  output.result(image, (palette) => imageDetails(image, palette));
}

async function importImage(
  { client, output, io }: Session,
  from: string,
  { name, defaultUser, sha256, sha512, sums, sumsSignature, signedBy, ...said }: ImportOptions,
): Promise<void> {
  const expected = { sha256, sha512, sums, sumsSignature, signedBy };
  const install = await installOf(said); // before anything is sent
  const isUrl = /^https?:\/\//i.test(from) && URL.canParse(from);
  const means = { readSigned: client.readImageSums.bind(client), signal: io.signal };
  const digests = isUrl ? await digestsOfUrl(from, expected, means) : await digestsOf(from, expected, means);
  const order = { name, defaultUser, ...digests };
  const bar = showTransfer(output, io, isUrl ? fileNameOf(from) : from);
  const following = { onProgress: bar.update, signal: io.signal };
  try {
    const imported = isUrl
      ? await client.fetchImage({ ...order, url: from }, following)
      : await sendImage(client, { ...order, file: from, ...following });
    bar.close();
    const image = install ? await client.updateImage(imported.id, { install }) : imported;
    output.result(image, (palette) => `${imageDetails(image, palette)}${complaints(image, palette)}`);
  } finally {
    bar.close();
  }
}

async function set({ client, output }: Session, name: string, options: InstallOptions): Promise<void> {
  const install = await installOf(options);
  if (install === undefined)
    throw new DomainError('invalid-request', 'Nothing was said to be changed.', {
      remedy: 'Say --install-method; see dodai images set --help.',
    });
  const image = await client.updateImage(name, { install });
  output.result(image, (palette) => imageDetails(image, palette));
}

async function remove({ client, output }: Session, name: string): Promise<void> {
  await client.deleteImage(name);
  output.result({ deleted: name }, () => `Removed the image ${name}.`);
}
