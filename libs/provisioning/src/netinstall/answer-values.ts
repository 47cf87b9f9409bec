import { type AnswerFormat, type RootDeviceHint, usualKernelArguments } from '#core';
import { sampleContext, userDataContext, type UserDataContext } from '#metadata';
import type { Config } from '#platform';
import type { TemplateContext } from '#templates';
import { describedInstance } from '../configuring/instance-documents.js';
import { metadataUrlOf } from '../configuring/owner-context.js';
import type { Imagined } from '../methods/install-method.js';

type Settings = Pick<Config, 'publicUrl' | 'metadata'>;
type Dodai = TemplateContext<'netinstall/preseed.cfg'>['dodai'];

/** What `{{ … }}` in an answer file may name: what parts of user data may, and what an installer has to know besides. */
export interface AnswerValues extends UserDataContext {
  pxeMac: string;
  bootMode: string;
  kernelArguments: string;
  sshKeys: string[];
  /** Empty: there is none. */
  passwordHash: string;
  controllerUrl: string;
  /** The files of the image; without a slash at the end. */
  treeUrl: string;
  /** Empty: there is no such service. */
  metadataUrl: string;
  dodai: Dodai;
}

/** What the answer file is called where its installer asks for it. */
export const answerFileNames = {
  preseed: 'preseed.cfg',
  autoinstall: 'user-data',
  kickstart: 'kickstart.cfg',
  autoyast: 'autoyast.xml',
} as const satisfies Record<AnswerFormat, string>;

/** Stands for the path of the disk in answer files: no device is ever called so. */
export const diskDevice = '/dev/dodai-disk';

export function answerValues(
  format: AnswerFormat,
  { machine, instance, type, image }: Imagined,
  settings: Settings,
): AnswerValues {
  return {
    ...userDataContext(describedInstance(instance, machine)),
    ...placed(format, { instanceId: instance.id, imageId: image.id }, settings),
    pxeMac: machine.pxeMac,
    bootMode: machine.bootMode,
    kernelArguments: type.kernelArguments ?? usualKernelArguments,
    sshKeys: instance.configuration.sshKeys,
    passwordHash: instance.configuration.passwordHash ?? '',
  };
}

/** For an answer file that is looked at before there is anything else. */
export function sampleAnswerValues(format: AnswerFormat, settings: Settings): AnswerValues {
  const sample = sampleContext();
  return {
    ...sample,
    ...placed(format, sample, settings),
    pxeMac: '52:54:00:00:00:01',
    bootMode: 'uefi',
    kernelArguments: usualKernelArguments,
    sshKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0 owner'],
    passwordHash: '$6$salt$hash',
  };
}

function placed(
  format: AnswerFormat,
  { instanceId, imageId }: { instanceId: string; imageId: string },
  settings: Settings,
): Pick<AnswerValues, 'controllerUrl' | 'treeUrl' | 'metadataUrl' | 'dodai'> {
  const { publicUrl } = settings;
  return {
    controllerUrl: publicUrl,
    treeUrl: `${publicUrl}/boot/images/${imageId}/tree`,
    metadataUrl: metadataUrlOf(settings) ?? '',
    dodai: dodaiCommands(format, `${instanceUrl(instanceId, publicUrl)}/installer.sh`),
  };
}

export function instanceUrl(instanceId: string, publicUrl: string): string {
  return `${publicUrl}/boot/instances/${instanceId}`;
}

/**
 * One shell command each, so that an owner can put them wherever the installer runs commands. Our script is asked for until it comes:
 * an installer stands still after a command that has failed, and the controller may just be started anew.
 */
function dodaiCommands(format: AnswerFormat, scriptUrl: string): Dodai {
  const script = '/run/dodai.sh';
  const fetch = format === 'preseed' ? 'wget -q -T 20 -O' : 'curl -fsS -m 20 -o';
  const command = (name: string) => `sh ${script} ${name}`;
  return {
    begin: `until ${fetch} ${script} ${scriptUrl}; do sleep 5; done; ${command('begin')}`,
    disk: command('disk'),
    progress: command('progress'),
    finish: command('finish'),
    failed: command('failed'),
    device: diskDevice,
    include: '/run/dodai/disk.ks',
  };
}

/** For a shell, which knows no absent fields. */
export function hintForShell(
  hint: RootDeviceHint | null,
): TemplateContext<'netinstall/installer.sh'>['hint'] {
  return { ...hint };
}
