import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { guestReport } from '#contract';
import { projectRoot } from '#platform';
import { TemplateRenderer } from '#templates';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SmallOs } from '../support/small-os.js';

const renderer = new TemplateRenderer(join(projectRoot, 'templates'));
const words: { path: string | undefined; token: string | undefined; body: Record<string, unknown> }[] = [];
/** Answered before a word is taken. */
let refusals: number[] = [];
const server = createServer((request, response) => {
  void text(request).then((body) => {
    words.push({
      path: request.url,
      token: request.headers.authorization,
      body: JSON.parse(body) as Record<string, unknown>,
    });
    response.writeHead(refusals.shift() ?? 204).end();
  });
});

let os: SmallOs;

beforeEach(async () => {
  words.length = 0;
  refusals = [];
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  os = await SmallOs.make('127.0.0.1 localhost\n');
  const cloudInit = '#!/bin/bash\n[[ $* == *json* ]] && echo \'{"status":"done"}\' || echo "status: done"\n';
  await os.write('stubs/cloud-init', cloudInit, 0o755);
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await os.remove();
});

async function settle() {
  const script = await renderer.render('live/vendor-data.sh', {
    instanceId: 'an-instance',
    controllerUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: 'its-token',
    files: [
      { path: '/etc/motd', mode: '0640', owner: 'debian:debian', base64: 'aGVsbG8K' },
      { path: '/srv/new/one', mode: '0600', owner: 'root:root', base64: '' },
    ],
  });
  await os.write('srv/vendor-data', script, 0o700);
  return await os.inside('/srv/vendor-data');
}

describe('an OS that runs in memory', () => {
  it('says that it is installed when cloud-init has ended, with its report', async () => {
    const { all, exitCode } = await settle();
    expect([exitCode, all]).toEqual([0, expect.stringContaining('dodai: reported installed')]);
    expect(words).toMatchObject([
      {
        path: '/v1/instances/an-instance/notify',
        token: 'Bearer its-token',
        body: { state: 'installed', message: 'cloud-init: status: done' },
      },
    ]);
    const report = guestReport.parse(words[0]?.body.report);
    expect(report.files.map(({ path, mode }) => [path, mode])).toEqual([
      ['/etc/motd', '0640'],
      ['/srv/new/one', '0600'],
    ]);
  });

  it('has the files of its owner, and keeps its token to itself', async () => {
    await settle();
    expect(await os.read('etc/motd')).toBe('hello\n');
    expect(await os.mode('etc/motd')).toBe('640');
    expect(await os.mode('etc/dodai/instance.env')).toBe('600');
  });

  it('does not wait for itself: what reports is started, and not waited for', async () => {
    await settle();
    expect((await os.read('var/log/systemctl')).split('\n')).toContain(
      'start --no-block dodai-installed.service',
    );
  });

  it('says it again until it is taken, and at the next start anew', async () => {
    refusals = [503];
    await settle();
    await settle();
    expect(words.map(({ body }) => body.state)).toEqual(['installed', 'installed', 'installed']);
  });
});
