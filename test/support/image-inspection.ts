import type { ImageFinding } from '#core';
import { inspectImage, type Inspection } from '#images';
import { StreamingProcesses } from '#platform';

/** What is found in an image that lies in a file. */
export function inspect(
  path: string,
  kind: 'file_system' | 'disk' | 'tarball' | 'iso',
  fileSystem: string | null = null,
  signal: AbortSignal = new AbortController().signal,
): Promise<Inspection> {
  return inspectImage({ path, kind, fileSystem }, new StreamingProcesses(), { signal });
}

export const finding = ({ findings }: Inspection, wanted: string): ImageFinding | undefined =>
  findings.find(({ check }) => check === wanted);

export const notOk = ({ findings }: Inspection): string[] =>
  findings.filter(({ result }) => result !== 'ok').map(({ check, result }) => `${check}: ${result}`);

/** What the good root of the bench is described as. */
export const debian = {
  os: { id: 'debian', name: 'Debian GNU/Linux 12 (bookworm)', version: '12' },
  architecture: 'x86_64',
  kernelArguments: 'console=tty0 console=ttyS0,115200n8 quiet',
  cloudInit: false,
  defaultUser: 'debian',
};
