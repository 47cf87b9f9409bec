import { z } from 'zod';
import * as f from './fields.js';

const command = f.line.min(1, 'is empty');

/** What an answer file, ours or the owner's, is told for the installer to call us by. The same words for any shell. */
const dodai = z.strictObject({
  begin: command.describe('Fetches what the installer runs for us, and reports `install`'),
  disk: command.describe('Chooses the disk by the root device hint, and tells the installer'),
  progress: command.describe('Reports progress: a percentage and a message in quotes follow'),
  finish: command.describe("Makes the installed OS its owner's, and reports `install_reboot` once the disk is closed"),
  failed: command.describe('Reports that the installer gave up; a reason in quotes may follow'),
  device: f.line.describe('Stands for the path of the disk, until `disk` replaces it (autoinstall, autoyast)'),
  include: f.line.describe('What a kickstart file includes for the disk'),
});

export const answerContext = z.strictObject({
  instanceId: f.id.describe('Id of the instance'),
  hostName: f.hostName.describe('Host name of the installed OS'),
  pxeMac: f.mac.describe('MAC address of the card that boots from the network'),
  kernelArguments: f.line.describe('For the kernel of the installed OS'),
  treeUrl: f.url.describe('Where the files of the image are'),
  dodai,
});

const text = f.orEmpty(f.line);
const number = f.orEmpty(z.number().positive());

/** For a shell: all there, and empty where it says nothing. */
const hint = z.strictObject({
  serial: text,
  wwn: text,
  model: text,
  path: text,
  minSizeGb: number,
  maxSizeGb: number,
  rotational: z
    .boolean()
    .optional()
    .transform((value) => value ?? ''),
  transport: text,
  nvmeNamespace: text,
});

export const installerScript = {
  finishUrl: f.url.describe('Where finish.sh is, as long as the installer has not begun'),
  device: f.line.describe('Stands for the path of the disk in answer files'),
  hint: hint.describe('Root device hint: all given fields must match exactly one. None: the smallest that fits'),
  neededBytes: f.bytes.describe('How large the disk is at least'),
};
