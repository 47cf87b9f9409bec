import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { InstanceView, InstanceWait } from '#contract';
import type { ImageInstall } from '#core';
import { DodaiClient } from '../../apps/cli/src/client.js';
import { Rack, type MachineOptions } from '../../apps/lab/src/index.js';
import { ControllerProcess } from '../../apps/quickstart/src/controller-process.js';
import { demoImage, demoImageFiles } from '../../apps/quickstart/src/demo-image.js';
import { failureEvidence } from '../../apps/quickstart/src/failure-evidence.js';
import { freePort } from '../../apps/quickstart/src/free-port.js';
import { build } from '../../apps/quickstart/src/images.js';
import { ensureImage, ensureInstanceType, ensureMachine } from '../../apps/quickstart/src/inventory.js';
import { Owner } from '../../apps/quickstart/src/owner.js';

export const cacheDir = process.env.DODAI_CACHE_DIR || '/var/cache/dodai';
const quiet = () => undefined;

/** What starts the demo image that runs in memory; its cloud-init reads everything from the metadata service. */
const liveInstall: ImageInstall = {
  method: 'live',
  kernel: 'vmlinuz',
  initrd: 'initrd.img',
  kernelArguments:
    'boot=live fetch={{ treeUrl }}/filesystem.squashfs nonetworking ip=dhcp ' +
    'BOOTIF=01-{{ pxeMac | replace: ":", "-" }} ds=nocloud-net;s={{ metadataUrl }}/nocloud/',
  completion: 'notify',
};

/** A rack with a controller inside, machines enrolled, image imported: what a site looks like before a spawn. */
export class RackUnderTest {
  private constructor(
    readonly rack: Rack,
    readonly controller: ControllerProcess,
    readonly client: DodaiClient,
    readonly owner: Owner,
    readonly demoImageDir: string,
    private readonly dir: string,
  ) {}

  static async raise(name: string, machines: readonly MachineOptions[]): Promise<RackUnderTest> {
    const liveImageDir = await build('apps/live-image/build.sh', path.join(cacheDir, 'live-image'), quiet);
    const demoImageDir = await build(
      'apps/lab/demo-image/build.sh',
      path.join(cacheDir, 'demo-image'),
      quiet,
    );
    // A run that was killed leaves its rack up.
    if ((await Rack.names()).includes(name)) await (await Rack.open(name)).down();
    const dir = await mkdtemp(path.join(tmpdir(), `dodai-${name}-`));
    await chmod(dir, 0o755); // the embedded PostgreSQL passes through as a user of its own
    const rack = await Rack.create({ name, machines });
    try {
      const controller = new ControllerProcess(dir);
      const port = (await freePort()) ?? ControllerProcess.port;
      await rack.publish(ControllerProcess.port, port);
      await controller.start(rack, { liveImageDir }, port);
      const client = new DodaiClient({
        url: `http://127.0.0.1:${port}`,
        token: await controller.token(),
        sleep: (durationMs, signal) => delay(durationMs, undefined, { signal }),
      });
      await ensureInstanceType(client);
      await ensureImage(client, demoImage(demoImageDir));
      for (const machine of rack.machines) await ensureMachine(client, machine);
      const owner = await Owner.in(path.join(dir, 'owner'));
      return new RackUnderTest(rack, controller, client, owner, demoImageDir, dir);
    } catch (error) {
      await rack.down();
      await rm(dir, { recursive: true, force: true });
      throw error;
    }
  }

  /** Where machines reach the controller. */
  get publicUrl(): string {
    return `http://${this.rack.controllerAddress}:${ControllerProcess.port}`;
  }

  /** The demo image that cloud-init configures, by this name from now on. */
  async importCloudInitImage(): Promise<string> {
    const dir = path.join(cacheDir, 'demo-image-cloud-init');
    await build('apps/lab/demo-image/build.sh', dir, quiet, { options: ['--with-cloud-init'] });
    const image = { ...demoImage(dir), name: 'debian-demo-cloud-init' };
    await ensureImage(this.client, image);
    return image.name;
  }

  /** The demo image that runs in memory, by this name from now on. */
  async importLiveImage(): Promise<string> {
    const dir = path.join(cacheDir, 'demo-image-live');
    await build('apps/lab/demo-image/build.sh', dir, quiet, { options: ['--live'] });
    const { id, name } = await ensureImage(this.client, {
      name: 'debian-demo-live',
      file: path.join(dir, 'debian-live.tar'),
      defaultUser: demoImage(dir).defaultUser,
    });
    await this.client.updateImage(id, { install: liveInstall });
    return name;
  }

  /** The demo image as a whole disk under another name, installed in this way. */
  async importDisk(name: string, install: ImageInstall): Promise<string> {
    const { defaultUser } = demoImage('');
    const file = path.join(this.demoImageDir, demoImageFiles.disk);
    const { id } = await ensureImage(this.client, { name, file, defaultUser });
    await this.client.updateImage(id, { install });
    return name;
  }

  /** Somebody with a key that no instance was spawned with. */
  stranger(): Promise<Owner> {
    return Owner.in(path.join(this.dir, 'stranger'));
  }

  /** Asks as often as it takes: a request is held for some minutes only. A work that failed is an error. */
  async until(wait: InstanceWait, id: string, timeoutMs: number): Promise<InstanceView> {
    const deadlineMs = performance.now() + timeoutMs;
    const end = wait === 'installed' ? 'active' : 'deleted';
    for (;;) {
      const instance = await this.client.waitForInstance(id, wait, 60);
      if (instance.state === end || performance.now() > deadlineMs) return instance;
    }
  }

  /** Its OS says who it is, and asks who is there. What a kernel or a service says at that moment stands between the two. */
  waitForLogin(machine: string, hostName: string, timeoutMs: number, from?: number): Promise<void> {
    const between = /(\[ *\d+\.\d+\] [^\n]*\n\s*)*/.source;
    return this.rack.waitForSerial(machine, new RegExp(`${hostName} ${between}login:`), timeoutMs, from);
  }

  /** The kinds of everything on the timeline of an instance. */
  async eventKinds(instanceId: string): Promise<Set<string>> {
    const kinds = new Set<string>();
    for await (const { kind } of this.client.listEvents({ instanceId })) kinds.add(kind);
    return kinds;
  }

  /** What the BMC itself answers, asked past the controller. */
  async bmcPower(machineName: string): Promise<string> {
    const { host, user, password } = this.rack.machine(machineName).bmc;
    const { stdout } = await this.rack.exec(
      'ipmitool',
      ['-I', 'lanplus', '-C', '3', '-H', host, '-U', user, '-E', 'chassis', 'power', 'status'],
      { env: { IPMI_PASSWORD: password }, timeout: 60_000 },
    );
    return String(stdout).trim();
  }

  async evidence(instances: readonly InstanceView[]): Promise<string> {
    const each = instances.map(({ id, machine }) =>
      failureEvidence(this.client, this.controller, id, machine ? [this.rack.machine(machine.name)] : []),
    );
    return (await Promise.all(each)).join('\n');
  }

  async down(): Promise<void> {
    await this.controller.stop();
    await this.rack.down();
    await rm(this.dir, { recursive: true, force: true });
  }
}
