import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Rack } from '../../lab/src/index.js';
import { projectRoot } from './project-root.js';
import { QuickstartError } from './quickstart-error.js';

const program = path.join(projectRoot, 'dist/apps/controller/src/main.js');
const startTimeoutMs = 120_000;
const stopTimeoutMs = 30_000;
const answerTimeoutMs = 5_000;
const pollMs = 100;

export interface ControllerOptions {
  dir: string;
  liveImageDir: string;
  /** Besides those that follow from the rack. */
  env?: Record<string, string>;
}

/** A controller inside the network of a rack, which lives on when this program ends. */
export class ControllerProcess {
  static readonly port = 7071;
  readonly dataDir: string;
  readonly logFile: string;
  readonly tokenFile: string;
  private readonly pidFile: string;

  constructor(private readonly dir: string) {
    this.dataDir = path.join(dir, 'controller');
    this.logFile = path.join(dir, 'controller.log');
    this.pidFile = path.join(dir, 'controller.pid');
    this.tokenFile = path.join(this.dataDir, 'api-token');
  }

  /** Its process id, when it is alive and really ours: the environment names our data directory. */
  get pid(): number | undefined {
    try {
      const pid = Number.parseInt(readFileSync(this.pidFile, 'utf8'), 10);
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      return environment.includes(`DODAI_DATA_DIR=${this.dataDir}`) ? pid : undefined;
    } catch {
      return undefined;
    }
  }

  /** Starts it where it is not running, and waits until it answers at the address. */
  async start(rack: Rack, options: Omit<ControllerOptions, 'dir'>, hostPort: number): Promise<void> {
    if (this.pid === undefined) await this.launch(rack, options);
    await this.untilReady(`http://127.0.0.1:${hostPort}/readyz`);
  }

  async stop(): Promise<void> {
    const { pid } = this;
    if (pid === undefined) return;
    process.kill(pid, 'SIGTERM');
    if (!(await this.ended(stopTimeoutMs))) process.kill(pid, 'SIGKILL');
    await this.ended(stopTimeoutMs);
    await rm(this.pidFile, { force: true });
  }

  async token(): Promise<string> {
    return (await readFile(this.tokenFile, 'utf8')).trim();
  }

  logTail(lines = 30): string {
    if (!existsSync(this.logFile)) return '';
    return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }

  private async launch(rack: Rack, { liveImageDir, env }: Omit<ControllerOptions, 'dir'>): Promise<void> {
    // The embedded PostgreSQL runs as a user of its own, which has to pass through to its data.
    await mkdir(this.dir, { recursive: true, mode: 0o755 });
    const [file, ...args] = [...rack.execCommandPrefix, process.execPath, '--enable-source-maps', program];
    const log = openSync(this.logFile, 'a', 0o600);
    try {
      const child = spawn(file, args, {
        detached: true,
        cwd: this.dir,
        stdio: ['ignore', log, log],
        env: { ...controllerEnvironment(rack, this.dataDir, liveImageDir), ...env },
      });
      await once(child, 'spawn');
      await writeFile(this.pidFile, `${child.pid}\n`);
      child.unref();
    } finally {
      closeSync(log);
    }
  }

  private async untilReady(url: string): Promise<void> {
    const deadlineMs = performance.now() + startTimeoutMs;
    while (!(await answers(url))) {
      if (this.pid === undefined) {
        throw new QuickstartError(`the controller ended:\n${this.logTail()}`, `Its log is ${this.logFile}.`);
      }
      if (performance.now() > deadlineMs) {
        throw new QuickstartError(
          `the controller does not answer at ${url}:\n${this.logTail()}`,
          `Its log is ${this.logFile}.`,
        );
      }
      await delay(pollMs);
    }
  }

  private async ended(timeoutMs: number): Promise<boolean> {
    const deadlineMs = performance.now() + timeoutMs;
    while (this.pid !== undefined) {
      if (performance.now() > deadlineMs) return false;
      await delay(pollMs);
    }
    return true;
  }
}

/** DHCP for the rack comes from the controller, with the addresses that the machines are enrolled with. */
function controllerEnvironment(rack: Rack, dataDir: string, liveImageDir: string): Record<string, string> {
  const network = rack.controllerAddress.replace(/\.\d+$/, '');
  return {
    PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin',
    NODE_ENV: 'production',
    DODAI_DATA_DIR: dataDir,
    DODAI_HTTP_PORT: String(ControllerProcess.port),
    DODAI_PUBLIC_URL: `http://${rack.controllerAddress}:${ControllerProcess.port}`,
    DODAI_LIVE_IMAGE_DIR: liveImageDir,
    DODAI_DHCP: 'full',
    DODAI_DHCP_INTERFACE: 'br0',
    DODAI_DHCP_RANGE: `${network}.200,${network}.250`,
  };
}

/** Not by fetch: of a connection that is closed before anything was sent, Node 20 tells it nothing, for ever. */
function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: answerTimeoutMs }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy()).on('error', () => resolve(false));
  });
}
