import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { execa } from 'execa';
import { enrol, SimulatedRack, simulatedType, untilInState } from '../simulated-rack/index.js';
import { peakMemoryMib, Samples } from './lifecycle-figures.js';
import { type HandOverFigures, measureHandOvers } from './lifecycle-hand-over.js';
import type { Probed, ProberTask } from './lifecycle-prober.js';
import { type Backend, Site, type Spent } from './lifecycle-site.js';

export interface InstallationsPlan {
  machines: number;
  /** How long an image takes; its progress is told as often as the real installer tells it. */
  installS: number;
  /** The first machine comes out of its firmware at once, the last one so much later. */
  spreadS: number;
}

export interface InstallationsFigures {
  spawnMs: Samples;
  /** From the answer to `install_reboot` until soft-off arrives at the BMC. */
  actionMs: Samples;
  /** From the beginning of the request that says `install_reboot` until the change is seen on the event stream. */
  seenMs: Samples;
  /** Of the same request itself. */
  notifyMs: Samples;
  probed: Record<keyof Probed, Samples>;
  allInstalledS: number;
  peakMemoryMib: number;
  /** How late this process came to its own timers: part of what it measured as the controller's. */
  ownDelayP99Ms: number;
  before: Spent;
  after: Spent;
  installed: number;
}

const spares = 20;
/** create.sh has 18 steps and prints little in each; what is printed within a second or more is one piece. */
const logPiecesOfScript = 16;

/** Spawns all machines at once, asks the API meanwhile, and measures until the last one is installed; then hands some of them over. */
export async function measureInstallations(
  backend: Backend,
  plan: InstallationsPlan,
): Promise<InstallationsFigures & { handOver: HandOverFigures }> {
  const rack = new SimulatedRack();
  rack.add(plan.machines + spares);
  behave(rack, plan);
  const site = await Site.raise(rack, backend);
  try {
    await enrol(site.client, rack.slots);
    await untilInState(site.client, 'inactive', rack.slots.length);
    const figures = await install(site, rack, plan);
    return { ...figures, handOver: await measureHandOvers(site, rack) };
  } finally {
    rack.stop();
    await site.stop();
  }
}

function behave(rack: SimulatedRack, { installS, spreadS }: InstallationsPlan): void {
  for (const [index, machine] of rack.machines.entries())
    machine.behave({
      delayMs: { firmware: (spreadS * 1000 * index) / rack.machines.length },
      fetches: { loader: false, kernel: { bytes: 4096 }, initrd: { bytes: 4096 }, image: { bytes: 4096 } },
      workMs: installS * 1000,
      progressReports: 'as scripts',
      logPieces: logPiecesOfScript,
      softOffMs: 500,
    });
}

async function install(
  site: Site,
  rack: SimulatedRack,
  plan: InstallationsPlan,
): Promise<InstallationsFigures> {
  const watch = new Watch(rack);
  const changes = watch.follow(site);
  const prober = await startProber(site, rack, plan);
  const before = await site.spent();
  const startedMs = performance.now();
  const delay = monitorEventLoopDelay();
  delay.enable();
  const spawnMs = await spawnAll(site, rack.machines.slice(0, plan.machines));
  await watch.unlessOneFails(rack.machines.slice(0, plan.machines).map((machine) => machine.until(isUp)));
  const probed = await prober.stop();
  await watch.unlessOneFails(rack.machines.filter(wasSpawned).map((machine) => machine.until(isUp)));
  const allInstalledS = (performance.now() - startedMs) / 1000;
  delay.disable();
  const installed = rack.machines.filter(isUp).length;
  await untilInState(site.client, 'active', installed);
  const after = await site.spent();
  await changes.stop();
  return {
    ...watch.samples,
    spawnMs,
    probed,
    allInstalledS,
    installed,
    before,
    after,
    peakMemoryMib: peakMemoryMib(site.controllerPid),
    ownDelayP99Ms: delay.percentile(99) / 1e6,
  };
}

type Machine = SimulatedRack['machines'][number];
/** Installed for the pool, where it asks for its owner. */
const isUp = ({ moment }: Pick<Machine, 'moment'>) => moment === 'owner';
const wasSpawned = ({ truth }: Machine) => truth.powerOns > 0;

async function spawnAll({ client, image }: Site, machines: Machine[]): Promise<Samples> {
  const samples = new Samples();
  const spawn = async ({ name }: Machine) => {
    const startedMs = performance.now();
    const wish = { hostName: name, image: image.id, instanceType: simulatedType.name, machine: name };
    await client.spawn(wish);
    samples.add(performance.now() - startedMs);
  };
  await Promise.all(machines.map(spawn));
  return samples;
}

/** Sees what the controller does about `install_reboot`. */
class Watch {
  readonly samples = { actionMs: new Samples(), seenMs: new Samples(), notifyMs: new Samples() };
  private readonly saidMs = new Map<string, number>();
  private readonly answeredMs = new Map<string, number>();
  private tellFailure: (error: Error) => void = () => undefined;
  private readonly failure = new Promise<never>((_resolve, reject) => (this.tellFailure = reject));

  constructor({ world }: SimulatedRack) {
    this.failure.catch(() => undefined); // it is raised where something is awaited
    world.hooks.onWord = ({ machine, state, when }) => {
      if (state !== 'install_reboot') return;
      (when === 'before' ? this.saidMs : this.answeredMs).set(machine.name, performance.now());
      if (when === 'after') this.samples.notifyMs.add(this.since(this.saidMs, machine.name));
    };
    world.hooks.onPowerCommand = ({ machine, verb, when }) => {
      if (verb !== 'softOff' || when !== 'before') return;
      this.samples.actionMs.add(Math.max(0, this.since(this.answeredMs, machine.name)));
    };
  }

  /** From now on, until it is stopped. */
  follow({ client }: Site): { stop(): Promise<void> } {
    const abort = new AbortController();
    const following = (async () => {
      for await (const { data, message } of client.followEvents({ signal: abort.signal })) {
        const [name = ''] = message.split(' ');
        if (data.to === 'install_failed') this.tellFailure(new Error(`an installation failed: ${message}`));
        if (data.to === 'install_reboot') this.samples.seenMs.add(this.since(this.saidMs, name));
      }
    })();
    return {
      stop: async () => {
        abort.abort();
        await following;
      },
    };
  }

  /** Waits for all of it. Throws when an installation fails: figures without it would be those of something else. */
  async unlessOneFails(awaited: Promise<void>[]): Promise<void> {
    await Promise.race([Promise.all(awaited), this.failure]);
  }

  private since(moments: Map<string, number>, name: string): number {
    return performance.now() - (moments.get(name) ?? performance.now());
  }
}

async function startProber(site: Site, rack: SimulatedRack, { machines }: InstallationsPlan) {
  const task: ProberTask = {
    url: site.controller.url,
    token: await site.controller.token(),
    machine: rack.machines[0]?.name ?? '',
    spares: rack.machines.slice(machines).map(({ name }) => name),
    image: site.image.id,
    instanceType: simulatedType.name,
  };
  const program = join(import.meta.dirname, 'lifecycle-prober.js');
  const child = execa('node', [program, JSON.stringify(task)], { stderr: 'inherit' });
  child.catch(() => undefined); // it is raised below
  return {
    stop: async (): Promise<Record<keyof Probed, Samples>> => {
      child.stdin.end();
      const probed = JSON.parse((await child).stdout) as Probed;
      const samples = { list: new Samples(), get: new Samples(), spawn: new Samples() };
      for (const kind of ['list', 'get', 'spawn'] as const) samples[kind].add(...probed[kind]);
      return samples;
    },
  };
}
