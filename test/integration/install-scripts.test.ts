import { execa } from 'execa';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const snippets = fileURLToPath(new URL('../../templates/snippets', import.meta.url));
const mib = 1024 * 1024;

/** How the server hands out the image, request by request; the last way repeats. */
type Serving = 'whole' | 'cut' | 'short' | 'corrupt' | 'missing' | 'cut without ranges';

interface Notification {
  state: string;
  progress?: number;
  message?: string;
}

/** A controller as the installer sees it: image, notify and log, over real HTTP. */
class Controller {
  readonly notifications: Notification[] = [];
  readonly tokens = new Set<string | undefined>();
  readonly ranges: (string | undefined)[] = [];
  log = '';
  servings: Serving[] = ['whole'];
  /** What notify answers, request by request; afterwards 204. */
  notifyStatuses: number[] = [];
  url = '';
  private readonly server: Server = createServer((request, response) => void this.answer(request, response));

  constructor(private readonly image: Buffer) {}

  async start(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.server.listen(0, '127.0.0.1', resolve);
    });
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => {
      this.server.close(resolve);
    });
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'GET') return this.sendImage(request, response);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    this.tokens.add(request.headers.authorization);
    const isNotify = request.url?.endsWith('/notify') ?? false;
    const status = (isNotify ? this.notifyStatuses.shift() : undefined) ?? 204;
    if (isNotify && status === 204) this.notifications.push(JSON.parse(body) as Notification);
    else if (!isNotify) this.log += body;
    response.writeHead(status).end();
  }

  private sendImage(request: IncomingMessage, response: ServerResponse): void {
    const serving = this.servings.length > 1 ? this.servings.shift() : this.servings[0];
    const { range } = request.headers;
    this.ranges.push(range);
    if (serving === 'missing') return void response.writeHead(404).end();
    const hasRanges = range !== undefined && serving !== 'cut without ranges';
    const from = hasRanges ? Number(/^bytes=(\d+)-$/.exec(range)?.[1]) : 0;
    const rest = this.image.subarray(from, serving === 'short' ? this.image.length - 1000 : undefined);
    const contentRange = `bytes ${from}-${this.image.length - 1}/${this.image.length}`;
    const headers = { 'content-length': rest.length, ...(hasRanges && { 'content-range': contentRange }) };
    response.writeHead(hasRanges ? 206 : 200, headers);
    if (serving?.startsWith('cut')) {
      response.write(rest.subarray(0, rest.length / 2), () => setTimeout(() => response.destroy(), 50));
    } else {
      response.end(serving === 'corrupt' ? flipped(rest) : rest);
    }
  }
}

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const middle = copy.length >> 1;
  copy[middle] = copy[middle]! ^ 0xff;
  return copy;
}

let directory: string;
let target: string;
let content: Buffer;
let image: Buffer;
let controller: Controller;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'install-scripts-'));
  target = join(directory, 'partition');
  content = Buffer.concat([randomBytes(2 * mib), Buffer.alloc(3 * mib), randomBytes(mib)]);
  const zstd = await execa('zstd', ['--stdout'], { input: content, encoding: 'buffer' });
  image = Buffer.from(zstd.stdout);
  controller = new Controller(image);
  await controller.start();
  await execa('truncate', ['--size=16M', target]);
});

afterEach(async () => {
  await controller.stop();
  await rm(directory, { recursive: true });
});

/** The reporting, the step runner and the image stream as create.sh has them, writing to a sparse file. */
async function run(steps: string, variables: Record<string, string | number> = {}) {
  const script = `set -Eeuo pipefail
    ${['notify', 'steps', 'image', 'wipe'].map((name) => `. '${snippets}/${name}.sh'`).join('\n')}
    leave_safe() { echo 'left safe'; }
    stream_image() { stream_image_to '${target}'; }
    print_and_break() { echo 'one line'; ls /does/not/exist; }
    start_steps install
    run_steps ${steps}
    stop_reporting`;
  return execa('bash', ['-c', script], {
    reject: false,
    all: true,
    env: {
      TMPDIR: directory,
      INSTANCE_ID: 'instance-1',
      CONTROLLER_URL: controller.url,
      TOKEN: 'the-token',
      IMAGE_URL: `${controller.url}/image`,
      IMAGE_SHA256: createHash('sha256').update(image).digest('hex'),
      IMAGE_COMPRESSED_BYTES: String(image.length),
      IMAGE_UNCOMPRESSED_BYTES: String(content.length),
      FETCH_ATTEMPTS: '2',
      NOTIFY_ATTEMPTS: '2',
      ...Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, String(value)])),
    },
  });
}

const failureReason = () => controller.notifications.find((told) => told.state === 'failed')?.message;

describe('streaming an image', () => {
  it('writes what was packed, and nothing beyond it', async () => {
    const result = await run('report_start:0 stream_image:10');
    expect(result.all).toContain(`image: ${image.length} bytes received`);
    expect(result.exitCode).toBe(0);
    const written = await readFile(target);
    expect(written.subarray(0, content.length).equals(content)).toBe(true);
    expect((await stat(target)).size).toBe(16 * mib);
  });

  it('goes on where a connection broke', async () => {
    controller.servings = ['cut', 'whole'];
    const result = await run('stream_image:10');
    expect(result.exitCode).toBe(0);
    expect(controller.ranges).toEqual([undefined, expect.stringMatching(/^bytes=\d+-$/)]);
    expect((await readFile(target)).subarray(0, content.length).equals(content)).toBe(true);
  });

  it.each([
    ['cut', /the download of the image ended after \d+ of \d+ bytes: curl: \(18\)/],
    ['cut without ranges', /the download of the image ended after \d+ of \d+ bytes/],
    ['missing', /the download of the image ended after 0 of \d+ bytes: curl: \(22\).*404/],
    ['short', /the image is \d+ bytes long, but \d+ bytes came/],
    ['corrupt', /the image that came has SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}/],
  ] as const)('%s is a failure that the controller is told', async (serving, reason) => {
    controller.servings = [serving];
    const result = await run('stream_image:10');
    expect(result.exitCode).toBe(1);
    expect(failureReason()).toMatch(/^step 1\/1 stream image: /);
    expect(failureReason()).toMatch(reason);
    expect(result.all).toContain('left safe');
  });

  it('of another length than was announced is a failure', async () => {
    const result = await run('stream_image:10', { IMAGE_UNCOMPRESSED_BYTES: content.length + 1 });
    expect(result.exitCode).toBe(1);
    expect(failureReason()).toContain(`but ${content.length} bytes were written`);
  });

  it('to a partition that is full or cannot be written is a failure', async () => {
    await rm(target);
    await execa('ln', ['-s', '/dev/full', target]);
    const result = await run('stream_image:10');
    expect(result.exitCode).toBe(1);
    expect(failureReason()).toMatch(/writing the image to the disk failed: .*No space left on device/s);
  });
});

describe('reporting', () => {
  it('sends every line that was printed, with the token', async () => {
    const result = await run('report_start:0 stream_image:10');
    expect(result.exitCode).toBe(0);
    expect(controller.log).toContain('== step 1/2 report start\n');
    expect(controller.log).toMatch(/== step 2\/2 done in \d+ s\n$/);
    expect([...controller.tokens]).toEqual(['Bearer the-token']);
    expect(controller.notifications[0]).toEqual({ state: 'install', progress: 0 });
  });

  it('names the step, the command and the last lines of what failed', async () => {
    const result = await run('report_start:0 print_and_break:50');
    expect(result.exitCode).toBe(2);
    expect(failureReason()).toMatch(
      /^step 2\/2 print and break: command "ls \/does\/not\/exist" ended with status 2/,
    );
    expect(failureReason()).toContain('one line');
    expect(controller.log).toContain('FAILED: step 2/2 print and break');
    expect(controller.notifications.at(-1)?.state).toBe('failed');
  });

  it('is tried again when the controller is busy', async () => {
    controller.notifyStatuses = [503];
    const result = await run('report_start:0');
    expect(result.exitCode).toBe(0);
    expect(controller.notifications[0]?.state).toBe('install');
  });

  it('that is refused ends the script before anything else is done', async () => {
    controller.notifyStatuses = [409];
    const result = await run('report_start:0 stream_image:10');
    expect(result.exitCode).toBe(1);
    expect(controller.ranges).toEqual([]);
  });

  it('does not hide the failure when the controller is gone', async () => {
    const result = await run('print_and_break:0', { CONTROLLER_URL: 'http://127.0.0.1:1' });
    expect(result.exitCode).toBe(2);
    expect(result.all).toContain('The failure could not be reported.');
  });

  it('leaves nothing behind', async () => {
    await run('report_start:0 print_and_break:50');
    const { stdout } = await execa('ls', [directory]);
    expect(stdout).toBe('partition');
  });
});
