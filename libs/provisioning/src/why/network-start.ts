import { liveImageFiles } from '../methods/live-image.js';
import { treeFiles } from '../methods/tree-boot.js';
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

const liveImage = { what: 'the live image', ...liveImageFiles };

/** As it is given now, whatever the image said when the machine asked. */
export function networkStart({ work, instance, image }: Evidence): NetworkStart {
  if (work === 'deleting') return { ...liveImage, first: 'delete.sh', word: 'delete' };
  const installed = { ...liveImage, first: 'create.sh', word: 'install' };
  if (!image?.install || image.install.method !== instance?.installMethod) return installed;
  const { id, install } = image;
  switch (install.method) {
    case 'live':
      return {
        what: 'the OS that runs in memory',
        ...treeFiles(id, install),
        first: 'its metadata',
        word: 'installed',
      };
    case 'netinstall': {
      const first = answerFileNames[install.answerFile.format];
      return { what: "the distribution's installer", ...treeFiles(id, install), first, word: 'install' };
    }
    default:
      return installed;
  }
}
