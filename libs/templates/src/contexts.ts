import { bootModes, imageKinds, readBackPolicies, wipeModes } from '#core';
import { z } from 'zod';
import * as f from './fields.js';
import { answerContext, installerScript } from './netinstall-contexts.js';
import { guestNetwork } from './network-fields.js';

const mibInBytes = 1024 * 1024;
/** What pxelinux and the kernel take: 2048 bytes, less what pxelinux adds (BOOTIF, initrd). */
const maxCommandLineBytes = 1900;

const installer = {
  instanceId: f.id.describe('Id of the instance'),
  controllerUrl: f.url.describe('Where the controller answers: scheme, host, port'),
  token: f.token.describe("The instance's own token, for notify and log"),
};

/** What makes an OS its owner's, whether it has just been installed or has waited in the pool. */
const owner = {
  needsCloudInit: z.boolean().default(false).describe('It has user data that only cloud-init reads'),
  passwordHash: f.orEmpty(f.passwordHash).describe('Of the default account, as crypt(3) has it; empty: as the image has it'),
  files: z.array(f.file).default([]).describe('Files by path'),
  configDriveUrl: f
    .orEmpty(f.url)
    .describe("Its config drive, for a disk with ?sectorBytes=512 or 4096, for the instance's token; empty: it has none"),
  metadataUrl: f.orEmpty(f.url).describe('Where the metadata service answers; empty: there is none'),
  hostName: f.hostName.describe('Host name of the installed OS'),
  sshKeys: z.array(f.sshKey).default([]).describe("Public keys for root and the image's default user"),
  userData: f.orEmpty(f.userData).describe('Script that the OS runs once; empty: none'),
};

/** What a fresh OS is told of its image and its machine. */
const fresh = {
  imageId: f.id.describe('Id of the image'),
  imageType: z.enum(['server', 'node']).describe("dodai's image type: server for images named dodai-deploy"),
  pxeMac: f.mac.describe('MAC address of the card that boots from the network'),
  pxeIp: f.orEmpty(f.ipv4).describe('Address of that card, noted in /etc/dodai'),
  storageMac: f.orEmpty(f.mac).describe('MAC address of the storage network card, noted in /etc/dodai'),
  storageIp: f.orEmpty(f.ipv4).describe('Address of that card, noted in /etc/dodai'),
  serviceMac1: f.orEmpty(f.mac).describe('MAC address of the first service network card'),
  serviceMac2: f.orEmpty(f.mac).describe('MAC address of the second service network card'),
};

const createContext = z
  .strictObject({
    ...installer,
    imageKind: z
      .enum(imageKinds)
      .exclude(['iso'])
      .describe('What its content is: a file system for the root device, a whole disk, a tarball for a file system made there'),
    imageUrl: f.url.describe('The image as stored: chunks of its content, each compressed with zstd, one after another'),
    imageChunksUrl: f.url.describe('The list of these chunks: offset, length, both again as stored, SHA-256 of the content'),
    imageChunksSha256: f.sha256.describe('Of the list'),
    imageCompressedBytes: f.bytes.describe('Length of the file at imageUrl'),
    imageUncompressedBytes: f.bytes.describe('Length of its content'),
    imageDataBytes: f.bytesOrNone.describe('What of the content is in chunks; the rest is zeros'),
    imageRootPartition: f.orEmpty(f.count).describe('Of a whole disk: the partition of the root file system; empty: unknown'),
    imageSectorBytes: f.orEmpty(f.count).describe('Of a whole disk: what its partition table counts in; empty: unknown'),
    iscsiSecret: f
      .orEmpty(f.token)
      .describe('Of a whole disk that the controller writes over iSCSI: what it shows (CHAP); empty: the machine fetches the image'),
    kernelArguments: f
      .orEmpty(f.line)
      .describe('Of the kernel of the installed OS; empty: of a whole disk, which keeps what it has'),
    readBack: z.enum(readBackPolicies).default('sampled').describe('How much is read again and compared, once written'),
    ...owner,
    ...fresh,
    pooled: z.boolean().default(false).describe('It has no owner: in the pool it asks for one'),
    bootMode: z.enum(bootModes).describe('Firmware that the machine starts with'),
    network: guestNetwork.describe('Links and addresses of the installed OS, as `guestNetwork` makes them'),
    rootDeviceHint: f.rootDeviceHint
      .nullish()
      .transform((hint) => hint ?? {})
      .describe('Which disk; all given fields must match exactly one. None: the smallest that fits. GB are 10^9 bytes'),
    diskPlan: f.diskPlan.describe('How disks are divided; no partitions: the image brings them. Sizes in MiB'),
  })
  .superRefine(({ diskPlan: { partitions }, imageUncompressedBytes }, issues) => {
    const root = partitions.flatMap((each) => [each, ...each.volumes]).find(({ use }) => use === 'root');
    const sizeMib = root?.sizeMib ?? Infinity;
    if (imageUncompressedBytes <= sizeMib * mibInBytes) return;
    issues.addIssue({
      code: 'custom',
      path: ['diskPlan'],
      message: `has ${sizeMib} MiB for root, too little for an image of ${imageUncompressedBytes} bytes`,
    });
  });

const keptNetwork = guestNetwork
  .nullable()
  .default(null)
  .describe('Links and addresses of the OS; null: they stay as they are');

const handOverContext = z.strictObject({ ...installer, ...owner, network: keptNetwork });

const deleteContext = z.strictObject({
  ...installer,
  wipeMode: z
    .enum(wipeModes)
    .describe(
      "quick: signatures and partition tables only; discard: discard all too; secure_erase: the disk's own command; overwrite: zeros everywhere",
    ),
});

const pxeMac = f.mac.describe('MAC address of the card that asks');

const kernelBoot = {
  boot: z.literal('kernel').describe('Start a kernel'),
  pxeMac,
  arguments: z.array(f.kernelArgument).describe('Words of its command line'),
};

const pxelinuxKernelBoot = z
  .strictObject({
    ...kernelBoot,
    kernelUrl: f.url.describe('Where it is'),
    initrdUrl: f.url.describe('Its initial RAM disk'),
  })
  .superRefine((context, issues) => {
    if ([context.initrdUrl, ...context.arguments].join(' ').length <= maxCommandLineBytes) return;
    issues.addIssue({
      code: 'custom',
      path: ['arguments'],
      message: `make the kernel command line longer than ${maxCommandLineBytes} characters`,
    });
  });

/** Kernel and initrd come from where GRUB itself came from. */
const grubKernelBoot = z.strictObject({
  ...kernelBoot,
  what: f.line.describe('What is started, in words'),
  kernelPath: f.bootPath.describe('Where it is, over TFTP'),
  initrdPath: f.bootPath.describe('Its initial RAM disk'),
});

const localBoot = z.strictObject({ boot: z.literal('local').describe('Start the OS on the disk'), pxeMac });

/** One schema per file in /templates: its parameters, what they mean and what they may be. */
export const templateSchemas = {
  'create.sh': createContext,
  'hand-over.sh': handOverContext,
  'delete.sh': deleteContext,
  'live/vendor-data.sh': z.strictObject({ ...installer, files: owner.files }),
  'notify.sh': z.strictObject(installer),
  'netinstall/installer.sh': z.strictObject({ ...installer, ...installerScript }),
  'netinstall/finish.sh': z.strictObject({ ...installer, ...owner, ...fresh, network: keptNetwork }),
  'netinstall/preseed.cfg': answerContext,
  'netinstall/autoinstall.yaml': answerContext,
  'netinstall/kickstart.cfg': answerContext,
  'netinstall/autoyast.xml': answerContext,
  'pxelinux.cfg': z.discriminatedUnion('boot', [pxelinuxKernelBoot, localBoot]),
  'grub.cfg': z.discriminatedUnion('boot', [grubKernelBoot, localBoot]),
} as const;

export type TemplateName = keyof typeof templateSchemas;
export type TemplateContext<N extends TemplateName> = z.input<(typeof templateSchemas)[N]>;
