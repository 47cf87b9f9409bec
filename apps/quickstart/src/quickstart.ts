import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { InstanceView } from '#contract';
import { DodaiClient } from '../../cli/src/client.js';
import { Rack } from '../../lab/src/index.js';
import { ControllerProcess } from './controller-process.js';
import { demoImage } from './demo-image.js';
import { assertZeros } from './disk-evidence.js';
import { failureEvidence } from './failure-evidence.js';
import { freePort } from './free-port.js';
import { build } from './images.js';
import {
  ensureImage,
  ensureInstanceType,
  ensureMachine,
  instanceNamed,
  instanceType,
  rackMachineOf,
} from './inventory.js';
import { Owner } from './owner.js';
import { QuickstartError } from './quickstart-error.js';
import type { Report } from './report.js';
import type { Settings } from './settings.js';
import { watchWork } from './work-watch.js';

const rackMachines = { machines: 2, memoryMiB: 1024, disks: ['virtio:6G'], nic: 'virtio' } as const;
const hostName = 'demo';

/** From nothing to a machine that its owner is logged in to, in steps that each do only what is missing. */
export class Quickstart {
  readonly controller: ControllerProcess;
  private client: DodaiClient | undefined;
  private openRack: Rack | undefined;
  private instanceId: string | undefined;
  private url = '';

  constructor(
    private readonly settings: Settings,
    private readonly report: Report,
    private readonly cancel: AbortSignal,
  ) {
    this.controller = new ControllerProcess(settings.dir);
  }

  async isUp(): Promise<boolean> {
    return this.controller.pid !== undefined && (await Rack.names()).includes(this.settings.name);
  }

  /** Images, rack, controller: what any installation needs. */
  async raise(): Promise<void> {
    const liveImageDir = await this.image('live image', 'apps/live-image/build.sh', 'live-image');
    await this.image('Debian demo image', 'apps/lab/demo-image/build.sh', 'demo-image');
    const rack = await this.report.stage(
      'rack of two machines, each with a BMC',
      () => Rack.create({ name: this.settings.name, ...rackMachines }),
      ({ accelerator }) => (accelerator === 'kvm' ? 'with KVM' : 'emulated, without KVM'),
    );
    this.openRack = rack;
    this.cancel.throwIfAborted();
    const port = this.settings.port || (await freePort()) || ControllerProcess.port;
    await this.report.stage('controller, with its own PostgreSQL', async () => {
      await rack.publish(ControllerProcess.port, port);
      await this.controller.start(rack, { liveImageDir }, port);
    });
    this.url = `http://127.0.0.1:${port}`;
    this.client = new DodaiClient({
      url: this.url,
      token: await this.controller.token(),
      sleep: (durationMs, signal) => delay(durationMs, undefined, { signal }),
    });
  }

  /** Both machines into the inventory, the demo image into the catalogue. */
  async enrol(): Promise<void> {
    const { rack, api } = this;
    await this.report.stage('instance type and image', async () => {
      await ensureInstanceType(api);
      await ensureImage(api, demoImage(path.join(this.settings.cacheDir, 'demo-image')));
    });
    for (const machine of rack.machines) {
      await this.report.stage(`enrolled ${machine.name}, its BMC answers`, () => ensureMachine(api, machine));
      this.cancel.throwIfAborted();
    }
  }

  /** Spawns where there is no instance yet; one whose installation failed makes way. */
  async install(): Promise<InstanceView> {
    const { api } = this;
    const present = await instanceNamed(api, hostName);
    if (present?.state === 'active') {
      this.instanceId = present.id;
      return present;
    }
    if (present && present.state !== 'building') await this.destroy(present);
    const owner = await this.owner();
    const instance =
      present?.state === 'building'
        ? present
        : await api.spawn({
            hostName,
            image: demoImage('').name,
            instanceType: instanceType.name,
            sshKeys: [owner.publicKey],
          });
    this.instanceId = instance.id;
    this.report.heading(`Installing ${instance.id} on ${instance.machine?.name}`);
    const state = await watchWork(api, instance.id, 'installing', this.report, this.cancel);
    const installed = await api.instance(instance.id);
    if (state === 'active') return installed;
    throw new QuickstartError(
      `the installation ended in ${state}: ${installed.lastError?.message ?? 'no reason was given'}`,
      installed.lastError?.remedy,
    );
  }

  /** Logs in as the owner; gives what the machine says of itself. */
  async proveLogin(instance: InstanceView): Promise<string> {
    const owner = await this.owner();
    const machine = rackMachineOf(this.rack, instance);
    const commandLine = 'hostname; uname -sr; lsblk -o NAME,SIZE,FSTYPE,LABEL,MOUNTPOINT; uptime';
    const said = await this.report.stage('owner logged in over SSH', () =>
      owner.run(this.rack, demoImage('').defaultUser, machine.ip, commandLine),
    );
    if (said.startsWith(`${hostName}\n`)) return said;
    throw new QuickstartError(`the machine at ${machine.ip} is not ${hostName}; it said:\n${said}`);
  }

  /** Gives the machine back; what the disk and the inventory say decides, not the answer of the API alone. */
  async destroy(instance: InstanceView): Promise<void> {
    const { api, rack } = this;
    this.instanceId = instance.id;
    const { name, diskPaths } = rackMachineOf(rack, instance);
    this.report.heading(`Destroying ${instance.id} on ${name}`);
    if (instance.state !== 'deleting') await api.destroy(instance.id);
    const state = await watchWork(api, instance.id, 'deleting', this.report, this.cancel);
    if (state !== 'inactive') {
      const { lastError } = await api.machine(name);
      throw new QuickstartError(`the deletion ended in ${state}: ${lastError?.message}`, lastError?.remedy);
    }
    await this.report.stage('disk read back, all zeros', () => assertZeros(diskPaths));
    await this.report.stage('machine off and back in the pool', () => this.assertGivenBack(name));
  }

  async commands(instance: InstanceView): Promise<string> {
    const owner = await this.owner();
    const { ip, name } = rackMachineOf(this.rack, instance);
    const login = owner.sshCommand(this.rack, demoImage('').defaultUser, ip);
    return [
      `API and its page   ${this.url}/docs`,
      `API token          ${this.controller.tokenFile}`,
      `controller's log   ${this.controller.logFile}`,
      '',
      'Go on with:',
      `  export DODAI_URL=${this.url} DODAI_TOKEN_FILE=${this.controller.tokenFile}`,
      `  npx dodai machines list`,
      `  npx dodai instances show ${instance.hostName}`,
      `  npx dodai events --instance ${instance.hostName}`,
      `  npm run lab -- console ${name} --name ${this.rack.name}`,
      `  ${login.map((word) => (word.includes(' ') ? `'${word}'` : word)).join(' ')}`,
      `  npx dodai destroy ${instance.hostName}`,
      `  npm run quickstart -- --down        stops everything and removes it`,
    ].join('\n');
  }

  async evidence(): Promise<string> {
    const busy = this.openRack?.machines.filter((machine) => existsSync(machine.serialLogPath)) ?? [];
    return failureEvidence(this.client, this.controller, this.instanceId, busy);
  }

  /** Stops and removes everything but the images. Gives whether there was anything. */
  async down(): Promise<boolean> {
    const { name, dir } = this.settings;
    const rackIsThere = (await Rack.names()).includes(name);
    const dirIsThere = existsSync(dir);
    await this.controller.stop();
    if (rackIsThere) await (await Rack.open(name)).down();
    await rm(dir, { recursive: true, force: true });
    return rackIsThere || dirIsThere;
  }

  private get rack(): Rack {
    if (!this.openRack) throw new QuickstartError('the rack is not up');
    return this.openRack;
  }

  private get api(): DodaiClient {
    if (!this.client) throw new QuickstartError('the controller is not up');
    return this.client;
  }

  private owner(): Promise<Owner> {
    return Owner.in(path.join(this.settings.dir, 'owner'));
  }

  private async image(title: string, script: Parameters<typeof build>[0], folder: string): Promise<string> {
    this.cancel.throwIfAborted();
    const outDir = path.join(this.settings.cacheDir, folder);
    const detail = (line: string) => this.report.detail(line);
    return this.report.stage(title, () => build(script, outDir, detail, { signal: this.cancel }));
  }

  private async assertGivenBack(name: string): Promise<void> {
    const machine = await this.api.machine(name);
    const power = this.rack.powerState(name);
    if (machine.state === 'inactive' && machine.instanceId === null && power === 'off') return;
    throw new QuickstartError(`${name} is ${machine.state}, its power ${power}: it was not given back`);
  }
}
