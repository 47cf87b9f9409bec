import { chmod, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, projectRoot, SystemClock } from '#platform';
import { execa, type ResultPromise } from 'execa';
import { DodaiClient } from '../../apps/cli/src/client.js';
import { writeLiveImage } from './catalogue.js';
import { PowerSocket } from './power-socket.js';
import type { SimulatedRack } from './simulated-rack.js';

/** As it is built: `npm run build` makes it. */
const program = join(projectRoot, 'dist/test/simulated-rack/controller-main.js');

export interface ControllerProcessOptions {
  /** Settings of the controller beside those that lead it to the rack. */
  environment?: Record<string, string>;
  /** For node itself. */
  nodeOptions?: string[];
}

type Child = ResultPromise<{ reject: false }>;

/** A controller in a process of its own, to be killed and started again, with the BMCs of a simulated rack of this process. */
export class ControllerProcess {
  /** Of the one that runs; undefined while none does. */
  private child: Child | undefined;

  private constructor(
    readonly url: string,
    readonly dataDir: string,
    private readonly socket: PowerSocket,
    private readonly settings: { environment: Record<string, string>; args: string[] },
  ) {}

  /** Makes its data directory and starts it; the machines of the rack then know where its TFTP server is. */
  static async start(
    rack: SimulatedRack,
    { environment = {}, nodeOptions = [] }: ControllerProcessOptions = {},
  ): Promise<ControllerProcess> {
    const dataDir = await mkdtemp(join(tmpdir(), 'dodai-simulated-'));
    await chmod(dataDir, 0o755); // PostgreSQL runs as a user of its own
    await mkdir(join(dataDir, 'live-image'));
    await writeLiveImage(join(dataDir, 'live-image'));
    const [httpPort, tftpPort, metadataPort] = [await freePort(), await freePort(), await freePort()];
    const url = `http://127.0.0.1:${httpPort}`;
    const socketPath = join(dataDir, 'bmcs.socket');
    const socket = new PowerSocket(rack);
    await socket.start(socketPath);
    rack.world.tftp = { host: '127.0.0.1', port: tftpPort };
    const settings = {
      DODAI_DATA_DIR: dataDir,
      DODAI_HTTP_HOST: '127.0.0.1',
      DODAI_HTTP_PORT: String(httpPort),
      DODAI_PUBLIC_URL: url,
      DODAI_NGINX_PORT: '0',
      DODAI_METADATA_HOST: '127.0.0.1',
      DODAI_METADATA_PORT: String(metadataPort),
      DODAI_TFTP_HOST: '127.0.0.1',
      DODAI_TFTP_PORT: String(tftpPort),
      DODAI_POWER_SYNC_S: '0', // a look would use up a fault that was meant for a command
      DODAI_LOG_LEVEL: 'error',
      ...environment,
    };
    const args = [...nodeOptions, program, socketPath];
    const made = new ControllerProcess(url, dataDir, socket, { environment: settings, args });
    await made.startAgain();
    return made;
  }

  /** Undefined while it does not run. */
  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Those of its settings that another process on the same stores shares. */
  get shared(): Record<string, string> {
    const own = /^DODAI_(DATA_DIR|HTTP|PUBLIC|TFTP|METADATA)/;
    return Object.fromEntries(Object.entries(this.settings.environment).filter(([name]) => !own.test(name)));
  }

  /** SIGUSR2 sets its clock two hours on, SIGHUP two hours back. */
  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  /** A client of its API with the first token. */
  async client(): Promise<DodaiClient> {
    const clock = new SystemClock();
    return new DodaiClient({
      url: this.url,
      token: await this.token(),
      sleep: (ms, signal) => clock.sleep(ms, signal),
    });
  }

  async token(): Promise<string> {
    return (await readFile(join(this.dataDir, 'api-token'), 'utf8')).trim();
  }

  /** Resolves when it listens. Throws with what it said when it ends before. */
  async startAgain(): Promise<void> {
    const { args, environment } = this.settings;
    const env = { PATH: process.env.PATH, ...environment };
    const options = ['--pdeathsig', 'KILL', process.execPath, ...args];
    const child: Child = execa('setpriv', options, {
      env,
      extendEnv: false,
      reject: false,
      buffer: { stdout: false },
    });
    this.child = child;
    const ended = child.then(({ stderr, exitCode }) => {
      throw new Error(`the controller ended with ${exitCode}: ${stderr}`);
    });
    ended.catch(() => undefined); // it is only of interest before it listens
    const listens = new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
    await Promise.race([listens, ended]);
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    this.child?.kill('SIGKILL');
    await this.child;
    this.child = undefined;
  }

  async stop(): Promise<void> {
    this.child?.kill('SIGTERM');
    await this.child;
    this.child = undefined;
  }

  /** Stops it and removes its data. */
  async end(): Promise<void> {
    await this.stop();
    await this.socket.stop();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}
