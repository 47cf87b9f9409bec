import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { projectRoot } from '#platform';

/** The program as it is built; `npm run build` makes it. */
const program = join(projectRoot, 'dist', 'apps', 'controller', 'src', 'main.js');

// Each test starts the program several times, each time with a PostgreSQL of its own.
vi.setConfig({ testTimeout: 120_000 });

let dataDir: string;
const running = new Set<ReturnType<typeof run>>();

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'dodai-process-'));
  await chmod(dataDir, 0o755);
});
afterEach(async () => {
  for (const child of running) child.kill();
  await Promise.all(running);
  running.clear();
  await rm(dataDir, { recursive: true, force: true });
});

function run(environment: Record<string, string> = {}) {
  const child = execa('node', [program], {
    env: {
      PATH: process.env.PATH,
      DODAI_DATA_DIR: dataDir,
      DODAI_HTTP_HOST: '127.0.0.1',
      DODAI_HTTP_PORT: '0',
      DODAI_NGINX_PORT: '0',
      DODAI_METADATA_PORT: '0',
      DODAI_TFTP_HOST: '127.0.0.1',
      DODAI_TFTP_PORT: '0',
      DODAI_LOG_LEVEL: 'error',
      ...environment,
    },
    extendEnv: false,
    reject: false,
    timeout: 110_000,
    forceKillAfterDelay: 20_000,
  });
  running.add(child);
  return child;
}

/** The URL in the banner. */
function untilReady(child: ReturnType<typeof run>): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stdout.on('data', (chunk) => {
      said += String(chunk);
      const [, url] = /API +(http:\S+)/.exec(said) ?? [];
      if (url !== undefined) resolve(url);
    });
    void child.then(({ stderr }) => reject(new Error(`it ended: ${said} ${stderr}`)));
  });
}

it('says where it is and how to log in, refuses a second one, and stops when asked', async () => {
  const first = run();
  const url = await untilReady(first);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  const token = (await readFile(join(dataDir, 'api-token'), 'utf8')).trim();

  const second = await run();
  expect(second.exitCode).toBe(1);
  expect(second.stderr).toContain(`belongs to the running process ${first.pid}`);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);

  const stream = await fetch(`${url}/v1/events`, {
    headers: { accept: 'text/event-stream', authorization: `Bearer ${token}` },
  });
  first.kill('SIGTERM');
  expect(await stream.text()).toContain('retry:'); // held open, and ended rather than cut
  expect((await first).exitCode).toBe(0);
  await expect(readFile(join(dataDir, 'controller.lock'))).rejects.toThrow('ENOENT');

  const again = run();
  const headers = { authorization: `Bearer ${token}` };
  expect((await fetch(`${await untilReady(again)}/v1/machines`, { headers })).status).toBe(200);
});

it('starts again after it was killed, with its token and its data', async () => {
  const killed = run();
  const url = await untilReady(killed);
  const token = (await readFile(join(dataDir, 'api-token'), 'utf8')).trim();
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ name: 'standard', vcpus: 1, memoryMb: 512, localGb: 40 });
  expect((await fetch(`${url}/v1/instance-types`, { method: 'POST', headers, body })).status).toBe(201);
  killed.kill('SIGKILL');
  await killed;
  const again = await untilReady(run());
  expect((await fetch(`${again}/v1/instance-types/standard`, { headers })).status).toBe(200);
});

it('says that its database is gone, and goes on when it is back', async () => {
  const url = await untilReady(run());
  const headers = { authorization: `Bearer ${(await readFile(join(dataDir, 'api-token'), 'utf8')).trim()}` };
  const home = join(dataDir, 'postgres');
  const pidFile = join(home, 'data', 'postmaster.pid');
  const [pid = '', , , port = ''] = (await readFile(pidFile, 'utf8')).split('\n');
  const readiness = async () => (await fetch(`${url}/readyz`)).status;
  process.kill(Number(pid), 'SIGINT'); // PostgreSQL's fast shutdown
  await expect.poll(readiness, { timeout: 20_000 }).toBe(503);
  const refused = await fetch(`${url}/v1/machines`, { headers });
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
  expect(await refused.json()).toMatchObject({ code: 'database-unavailable', retryable: true });
  await expect.poll(() => existsSync(pidFile), { timeout: 20_000 }).toBe(false); // it has wholly shut down

  const pgCtl = [
    '-D',
    join(home, 'data'),
    '-s',
    '-w',
    '-l',
    join(home, 'log'),
    '-o',
    `-p ${port} -h 127.0.0.1 -k ''`,
  ];
  const asAccount = [
    '--reuid=dodai',
    '--regid=dodai',
    '--clear-groups',
    join(home, 'native', 'bin', 'pg_ctl'),
  ];
  await execa('setpriv', [...asAccount, ...pgCtl, 'start'], { env: { LC_ALL: 'C' }, cwd: '/' });
  await expect.poll(readiness, { timeout: 20_000 }).toBe(200);
  expect((await fetch(`${url}/v1/machines`, { headers })).status).toBe(200);
});

it('names every fault of its configuration and exits with 78', async () => {
  const { exitCode, stderr } = await run({
    DODAI_HTTP_PORT: 'many',
    DODAI_ROLES: 'all',
    DODAI_DATADIR: '/x',
    DODAI_DHCP: 'full',
  });
  expect(exitCode).toBe(78);
  for (const name of ['DODAI_HTTP_PORT', 'DODAI_ROLES', 'DODAI_DATADIR']) expect(stderr).toContain(name);
});

it('says which port it could not have, and leaves nothing running', async () => {
  const first = run();
  const { port } = new URL(await untilReady(first));
  const other = join(dataDir, 'other');
  const second = await run({ DODAI_DATA_DIR: other, DODAI_HTTP_PORT: port });
  expect(second.exitCode).toBe(1);
  expect(second.stderr).toContain(`port ${port}`);
  await expect(readFile(join(other, 'postgres', 'data', 'postmaster.pid'))).rejects.toThrow('ENOENT');
});
