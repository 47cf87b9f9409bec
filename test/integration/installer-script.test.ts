import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { execa, type ResultPromise } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type AnswerFormat } from '#core';
import { loadConfig, projectRoot } from '#platform';
import { sampleAnswerValues } from '#provisioning';
import { TemplateRenderer } from '#templates';

/** All that the script needs beside curl or wget, so that it finds only one of them. */
const programs = ['sh', 'cat', 'cut', 'grep', 'head', 'mkdir', 'sed', 'tail', 'tr', 'wc'];

let folder: string;
let server: Server;
let child: ResultPromise<{ reject: false }>;
/** What was asked for, with the word that was said. */
const asked: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dodai-installer-script-'));
  asked.length = 0;
  server = createServer((request, response) => void serve(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  if (child.pid !== undefined) process.kill(-child.pid); // what reports in the background
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
});

/** Everything is asked for in vain at first: there is no answer, then the database is away. */
async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  const path = request.url?.replace(/^.*\//, '') ?? '';
  const said = path === 'notify' ? ` ${(JSON.parse(body) as { state: string }).state}` : '';
  asked.push(`${path}${said}`);
  const times = asked.filter((each) => each === `${path}${said}`).length;
  if (times === 1) response.destroy();
  else if (times === 2) response.writeHead(503).end();
  else response.end(path === 'installer.sh' ? await installerScript() : 'true\n');
}

const url = () => {
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
};
const inFolder = (script: string) => script.replaceAll('/run/dodai', join(folder, 'dodai'));

async function installerScript(): Promise<string> {
  const script = await new TemplateRenderer(join(projectRoot, 'templates')).render(
    'netinstall/installer.sh',
    {
      instanceId: '7d9f0c6e-6b1e-4f5e-9d43-1f4c7e8a0b11',
      controllerUrl: url(),
      token: 'token',
      finishUrl: `${url()}/finish.sh`,
      device: '/dev/dodai-disk',
      hint: {},
      neededBytes: 1,
    },
  );
  return inFolder(script);
}

/** A path to these programs alone, where all pauses are short. */
async function pathTo(fetcher: string): Promise<string> {
  for (const name of [...programs, fetcher]) {
    const { stdout } = await execa('which', [name]);
    await symlink(stdout, join(folder, name));
  }
  await writeFile(join(folder, 'sleep'), '#!/bin/sh\nexec /bin/sleep 0.1\n');
  await chmod(join(folder, 'sleep'), 0o755);
  return folder;
}

it.each<[AnswerFormat, string]>([
  ['preseed', 'wget'],
  ['kickstart', 'curl'],
])('the beginning in an answer file for %s outlasts a controller that is away', async (format, fetcher) => {
  const PATH = await pathTo(fetcher);
  const config = loadConfig({ DODAI_DATA_DIR: folder, DODAI_PUBLIC_URL: url() });
  const { begin } = sampleAnswerValues(format, config).dodai;
  child = execa('sh', ['-c', inFolder(begin)], {
    env: { PATH },
    extendEnv: false,
    detached: true,
    reject: false,
  });
  const { exitCode, stderr } = await child;
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  const thrice = (what: string) => Array(3).fill(what) as string[];
  const expected = ['installer.sh', 'finish.sh', 'notify install'].flatMap(thrice);
  expect(asked.filter((what) => what !== 'log')).toEqual(expected);
  expect(await readFile(join(folder, 'dodai', 'finish.sh'), 'utf8')).toBe('true\n');
});
