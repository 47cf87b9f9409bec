import { methodOf } from '#core';
import type { ImageView } from './image.js';

type Row = [string, string | null | undefined];

/** How an image is installed, in words: a line for each thing that is said of it, and first the method. */
export function installFacts(image: ImageView): Row[] {
  const { install } = image;
  const method = methodOf(image) ?? 'not said yet: see dodai images set --help';
  if (!install) return [['Installed by', method]];
  return [['Installed by', method], ...detailsOf(install)];
}

function detailsOf(install: NonNullable<ImageView['install']>): Row[] {
  switch (install.method) {
    case 'netinstall':
    case 'live':
      return [
        ['Kernel', install.kernel],
        ['Initial RAM disk', install.initrd],
        ['Kernel arguments', install.kernelArguments || null],
        'answerFile' in install ? ['Answer file', answerText(install.answerFile)] : completionFact(install),
      ];
    case 'manual':
      return [
        ['Instructions', install.instructions],
        ['Boots from the network', install.netboot === 'local' ? 'its disk' : 'the live image'],
        ['Power when called', install.power],
        completionFact(install),
      ];
    default:
      return [];
  }
}

type AnswerFile = Extract<NonNullable<ImageView['install']>, { answerFile: unknown }>['answerFile'];

function answerText(file: AnswerFile): string {
  if ('url' in file) return `${file.format}, from ${file.url} at each installation`;
  return file.text === null
    ? `${file.format}, that of dodai`
    : `${file.format}, ${file.text.length} characters`;
}

const completionFact = ({ completion }: { completion: 'notify' | 'ssh' }): Row => [
  'Is up when',
  completion === 'ssh' ? 'it answers on SSH' : 'it notifies installed',
];
