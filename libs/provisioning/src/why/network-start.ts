import { liveImageFiles } from '../methods/live-image.js';
import { treePath } from '../methods/tree-boot.js';
import { answerFileNames } from '../netinstall/answer-values.js';
import type { Evidence } from './evidence.js';

/** What a machine starts that was switched on for its work, as the network sees it. */
export interface NetworkStart {
  /** What runs then, in words. */
  what: string;
  /** Where kernel and initial RAM disk are, below the URL of the controller. */
  kernelPath: string;
  initrdPath: string;
  /** What it asks for first. */
  first: string;
  /** The word that it then says. */
  word: string;
}

/** As it is given now, whatever the image said when the machine asked. */
export function networkStart({ work, instance, image }: Evidence): NetworkStart {
  if (work === 'deleting')
    return { what: 'the live image', ...liveImageFiles, first: 'delete.sh', word: 'delete' };
  const install = image?.install;
  const tree = (file: string) => `${treePath(image?.id ?? '')}/${file}`;
  if (install?.method === 'live' && instance?.installMethod === 'live')
    return {
      what: 'the OS that runs in memory',
      kernelPath: tree(install.kernel),
      initrdPath: tree(install.initrd),
      first: 'its metadata',
      word: 'installed',
    };
  if (install?.method === 'netinstall' && instance?.installMethod === 'netinstall')
    return {
      what: "the distribution's installer",
      kernelPath: tree(install.kernel),
      initrdPath: tree(install.initrd),
      first: answerFileNames[install.answerFile.format],
      word: 'install',
    };
  return { what: 'the live image', ...liveImageFiles, first: 'create.sh', word: 'install' };
}
