import { execa } from 'execa';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const buildScript = fileURLToPath(new URL('build.sh', import.meta.url));

describe('building the live image', () => {
  let outDir = '';
  beforeEach(async () => {
    outDir = await mkdtemp(path.join(tmpdir(), 'dodai-live-image-'));
  });
  afterEach(() => rm(outDir, { recursive: true, force: true }));

  it('does nothing when the folder holds an image of the same inputs', async () => {
    const { stdout: hash } = await execa(buildScript, ['--inputs-hash']);
    await writeFile(path.join(outDir, 'inputs.sha256'), `${hash}\n`);

    const { stdout } = await execa(buildScript, [outDir]);

    expect(stdout).toContain(`up to date in ${outDir}`);
    expect(await readdir(outDir)).toEqual(['inputs.sha256']);
  });

  it('wants exactly one folder', async () => {
    const { exitCode, stderr } = await execa(buildScript, [], { reject: false });

    expect(exitCode).toBe(2);
    expect(stderr).toContain('Usage: build.sh');
  });
});
