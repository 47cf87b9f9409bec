import {
  DomainError,
  failureEvent,
  type GuestReport,
  type LastWipe,
  type Machine,
  type NotifyState,
  readNotify,
  type Stage,
  type WipedDisk,
} from '#core';
import type { Clock, Deadlines, SecretBox, WakeQueue } from '#platform';
import type { EventStore, GuestReportStore, InstanceStore, LifecycleWriter, MachineStore } from '#store';
import { checkInstanceToken, notifyForbidden } from './instance-tokens.js';
import { weighAnew } from './stale.js';

export interface Notify {
  state: NotifyState;
  /** Percent of the present state. */
  progress?: number;
  message?: string;
  /** With `deleted`: what was done to which disk. */
  wipe?: WipedDisk[];
  /** With `installed`: what the OS says of itself. */
  report?: GuestReport;
}

/** How many times its deadline a boot may take altogether, while it shows signs of life. */
const longestBoot = 3;

interface Stores {
  machines: MachineStore;
  instances: InstanceStore;
  events: EventStore;
  reports: GuestReportStore;
}

/** What installers and installed systems tell the controller. */
export class Callbacks {
  constructor(
    private readonly stores: Stores,
    private readonly writer: LifecycleWriter,
    private readonly queue: WakeQueue,
    private readonly host: { box: SecretBox; clock: Clock; deadlines: Deadlines },
  ) {}

  /** Throws DomainError `notify-forbidden` or `notify-out-of-order`. */
  async notify(instanceId: string, token: string, notify: Notify): Promise<void> {
    checkInstanceToken(this.host.box, instanceId, token);
    await this.accept(instanceId, notify);
  }

  /**
   * A notify without a token, for scripts written for dodai's monitor: believed only from the machine's own address.
   */
  async notifyFrom(address: string, instanceId: string, state: NotifyState): Promise<void> {
    const machine = await this.machineOf(instanceId);
    if (machine.pxeIp === null || machine.pxeIp !== address) throw notifyForbidden();
    await this.accept(instanceId, { state });
  }

  /** A piece of the installer's log. */
  async log(instanceId: string, token: string, text: string): Promise<void> {
    checkInstanceToken(this.host.box, instanceId, token);
    const machine = await this.machineOf(instanceId);
    await this.postpone(machine);
    await this.stores.events.append({
      kind: 'installer.log',
      machineId: machine.id,
      instanceId,
      message: lastLine(text),
      data: { text },
    });
  }

  /** A sign of life without a word: the deadline of what is awaited moves on. */
  async heardOf(machineId: string): Promise<void> {
    const machine = await this.stores.machines.byId(machineId);
    if (machine) await this.postpone(machine);
  }

  /** A deadline that would move by little stays: it is minutes away, and many signs of life come within seconds. */
  private async postpone(machine: Machine): Promise<void> {
    const until = this.deadline(machine);
    if (!until || !machine.awaitsUntil) return;
    const gainedMs = until.getTime() - machine.awaitsUntil.getTime();
    const leftMs = until.getTime() - this.host.clock.now().getTime();
    if (gainedMs > leftMs / 60) await this.writer.postpone(machine, until);
  }

  /** The conductor may move the machine between our look and our word; then what was said is weighed anew. */
  private async accept(instanceId: string, { report, ...notify }: Notify): Promise<void> {
    const { machine, isProgress } = await weighAnew(() => this.apply(instanceId, notify));
    if (report) await this.stores.reports.save(instanceId, report);
    if (!isProgress) await this.queue.wake(machine.id); // for mere progress the alarm that is set comes, and sets the next one
  }

  private async apply(
    instanceId: string,
    notify: Notify,
  ): Promise<{ machine: Machine; isProgress: boolean }> {
    const machine = await this.machineOf(instanceId);
    if (isOldNews(machine, notify)) return { machine, isProgress: true };
    const { stage } = machine;
    const reading = stage === null ? 'refused' : readNotify(machine.state, stage, notify.state);
    if (reading === 'refused' || stage === null) throw outOfOrder(machine, notify.state);
    if (notify.state === 'failed') return { machine: await this.fail(machine, notify), isProgress: false };
    const change = { message: this.sentence(machine, notify), data: { ...notify } };
    if (reading === 'next') {
      const lastWipe = notify.state === 'deleted' ? this.wiped(instanceId, notify) : undefined;
      const moved = await this.writer.advanceStage(machine, notify.state, change, lastWipe);
      return { machine: moved, isProgress: false };
    }
    const progress = {
      progress: notify.progress ?? machine.progress,
      progressMessage: notify.message ?? null,
    };
    const awaitsUntil = this.deadline(machine);
    const moved = await this.writer.report(machine, { ...progress, awaitsUntil }, change);
    return { machine: moved, isProgress: machine.awaits !== null };
  }

  private fail(machine: Machine, { message }: Notify): Promise<Machine> {
    const error = {
      code: 'installer-failed',
      message: `${machine.name}: ${message ?? 'the installer failed and gave no reason'}`,
      remedy: "The installer's log is among the machine's events; a shell is open on its serial console.",
      at: this.host.clock.now().toISOString(),
    };
    return this.writer.advance(machine, failureEvent(machine.state), { message: error.message, error });
  }

  private wiped(instanceId: string, { wipe = [] }: Notify): LastWipe {
    return { at: this.host.clock.now().toISOString(), instanceId, disks: wipe };
  }

  /**
   * Until when a machine that was just heard of may be silent; undefined leaves things as they are. Fetching its boot files
   * is a sign of life too, but a machine that boots again and again must not be waited for without end.
   */
  private deadline({ stage, stageSince }: Machine): Date | undefined {
    const { bootingMs, installMs, deleteMs } = this.host.deadlines;
    const silence: Partial<Record<Stage, number>> = {
      booting: bootingMs,
      install: installMs,
      delete: deleteMs,
    };
    const silenceMs = stage ? silence[stage] : undefined;
    if (silenceMs === undefined || !stageSince) return undefined;
    const until = this.host.clock.now().getTime() + silenceMs;
    const latest = stage === 'booting' ? stageSince.getTime() + longestBoot * silenceMs : until;
    return new Date(Math.min(until, latest));
  }

  private sentence(machine: Machine, { state, progress, message }: Notify): string {
    const percent = progress === undefined ? '' : ` ${progress} %`;
    return `${machine.name} says ${state}${percent}${message === undefined ? '' : `: ${message}`}`;
  }

  private async machineOf(instanceId: string): Promise<Machine> {
    const machine = await this.stores.machines.ofInstance(instanceId);
    if (machine) return machine;
    await this.stores.instances.get(instanceId);
    throw new DomainError('notify-out-of-order', `The instance ${instanceId} has no machine any more.`, {
      remedy: 'Whatever still speaks for it runs on a machine that was given back: switch it off.',
    });
  }
}

/** An OS that never saw our answer to its `installed` says it again, on its next boot at the latest. */
function isOldNews({ state }: Machine, { state: said }: Notify): boolean {
  return said === 'installed' && (state === 'active' || state === 'used');
}

function outOfOrder(machine: Machine, said: NotifyState): DomainError {
  const where = machine.stage === null ? machine.state : `${machine.state} (${machine.stage})`;
  return new DomainError('notify-out-of-order', `${said} was said while ${machine.name} is ${where}.`, {
    remedy: 'The order is install, install_reboot, installed; or delete, deleted.',
    context: { state: machine.state, stage: machine.stage, said },
  });
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1)?.slice(0, 500) ?? '';
}
