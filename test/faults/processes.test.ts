import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { ControllerProcess, SimulatedRack } from '../simulated-rack/index.js';
import { postmasterOf } from '../support/postgres.js';

/** The processes whose command line names this folder. */
async function processesOf(directory: string): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  const lines = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line.includes(directory)).map((line) => line.replaceAll('\0', ' ').trim());
}

it('a controller that is killed again and again leaves one PostgreSQL, which the next one takes over, and ends', async () => {
  const controller = await ControllerProcess.start(new SimulatedRack());
  const { dataDir } = controller;
  const seen = new Set<number>();
  for (let time = 0; time < 3; time++) {
    seen.add(await postmasterOf(dataDir));
    await controller.kill();
    const left = await processesOf(dataDir);
    expect(left, left.join('\n')).toHaveLength(1); // PostgreSQL alone; its children do not name the folder
    await controller.startAgain();
    expect(await processesOf(dataDir)).toHaveLength(2);
  }
  expect(seen.size).toBe(3);
  await controller.end();
  expect(await processesOf(dataDir)).toEqual([]);
});
