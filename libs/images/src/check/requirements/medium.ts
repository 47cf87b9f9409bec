import type { BootFiles, ImageDescription, ImageFinding } from '#core';
import { shown } from '../../kinds/kind.js';
import { architectureOutcome, architecture } from './system.js';
import { ok, type Outcome, warning } from './requirement.js';

/** What an image must satisfy that is no operating system, but starts an installer of one, or a live system. */
export function mediumFindings(
  bootFiles: readonly BootFiles[],
  { architecture: found }: ImageDescription,
): ImageFinding[] {
  const processors = found === null ? [] : [{ check: architecture.check, ...architectureOutcome(found) }];
  return [...processors, { check: 'boot-files', ...bootFilesOutcome(bootFiles) }];
}

function bootFilesOutcome([first, ...more]: readonly BootFiles[]): Outcome {
  if (!first)
    return warning(
      'It has no kernel with an initrd beside it that is called as usual: what starts it cannot be told from it.',
      'Say which of its files they are when you say how it is installed, or choose an image for installations over the network.',
    );
  const others = more.length === 0 ? '' : `, and ${more.length} more`;
  return ok(
    `It starts an installer or a live system: kernel ${shown(first.kernel)} with ${shown(first.initrd)}${others}.`,
  );
}
