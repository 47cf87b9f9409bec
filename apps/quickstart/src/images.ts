import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';
import { projectRoot } from './project-root.js';

/** Runs a build script, which does nothing when its result is there; gives the folder of the result. */
export async function build(
  script: 'apps/live-image/build.sh' | 'apps/lab/demo-image/build.sh',
  outDir: string,
  onLine: (line: string) => void,
  { signal, options = [] }: { signal?: AbortSignal | undefined; options?: readonly string[] } = {},
): Promise<string> {
  await mkdir(path.dirname(outDir), { recursive: true });
  const building = execa('bash', [path.join(projectRoot, script), ...options, outDir], {
    all: true,
    stdin: 'ignore',
    cancelSignal: signal,
    forceKillAfterDelay: 30_000,
  });
  for await (const line of createInterface({ input: building.all })) onLine(line);
  await building;
  return outDir;
}

export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}
