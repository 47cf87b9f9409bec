import { DomainError, type Image, type Machine } from '#core';
import type { RemoteDisk, RemoteDisks, UnpackedImages } from '#images';
import type { Clock, ClockTimer, Logger, SecretBox } from '#platform';
import type { EventStore, ImageStore, InstanceStore, MachineStore } from '#store';
import PQueue from 'p-queue';
import type { Callbacks } from './callbacks.js';
import { checkInstanceToken, diskSecret } from './instance-tokens.js';

/** The disk that a machine exports, as it says itself. */
export interface ExportedDisk {
  address: string;
  port: number;
  /** A new one for each run of the installer. */
  target: string;
}

/** How far the writing of a disk is. */
export interface DiskWriteStanding {
  state: 'waiting' | 'unpacking' | 'writing' | 'written' | 'failed';
  /** In bytes of what has to be written: holes are not. */
  doneBytes: number;
  totalBytes: number;
  /** For people. */
  message: string;
}

/** A disk that is being written, or was. */
interface Write {
  readonly target: string;
  readonly stop: AbortController;
  standing: DiskWriteStanding;
  /** Forgets it when nobody asks about it any more. */
  unasked: ClockTimer | undefined;
  ended: Promise<void>;
}

/** A machine asks every few seconds. */
const unaskedMs = 60_000;
const user = 'dodai';

interface Stores {
  machines: MachineStore;
  instances: InstanceStore;
  images: ImageStore;
  events: EventStore;
  callbacks: Callbacks;
}

/**
 * Writes images to disks that machines export (install method iscsi), a few at a time. A machine asks until its disk is written:
 * the first time it asks begins it, also when that was told to a controller that is no more; a machine that asks no longer ends it.
 */
export class DiskWrites {
  private readonly writes = new Map<string, Write>();
  private readonly turns: PQueue;

  constructor(
    private readonly stores: Stores,
    private readonly unpacked: UnpackedImages,
    private readonly disks: RemoteDisks,
    private readonly host: { box: SecretBox; clock: Clock; logger: Logger; atATime: number },
  ) {
    this.turns = new PQueue({ concurrency: host.atATime });
  }

  /**
   * Begins to write the image of this instance to the disk, or tells how far that is. A failure is told once, and forgotten:
   * asked again, it is begun anew. `client` is where the request came from. Throws DomainError `notify-forbidden`,
   * `notify-out-of-order`, or `invalid-request` when the disk is not where the request came from.
   */
  async ask(
    instanceId: string,
    token: string,
    disk: ExportedDisk,
    client: string,
  ): Promise<DiskWriteStanding> {
    const { machine, image } = await this.installed(instanceId, token);
    if (disk.address !== client) throw elsewhere(disk, client);
    await this.stores.callbacks.heardOf(machine.id);
    const write = this.present(machine.id, disk) ?? this.begin(machine, instanceId, image, disk);
    if (write.standing.state === 'failed') this.forget(machine.id, write);
    else this.awaitNextAsk(machine.id, write);
    return write.standing;
  }

  /** Throws DomainError `notify-forbidden`, or `notify-out-of-order` when this is not what its machine does now. */
  async check(instanceId: string, token: string): Promise<void> {
    await this.installed(instanceId, token);
  }

  /** Resolves when nothing is written any more. */
  async stop(): Promise<void> {
    const writes = [...this.writes];
    for (const [machineId, write] of writes) this.forget(machineId, write);
    await Promise.all(writes.map(([, { ended }]) => ended));
  }

  private async installed(instanceId: string, token: string): Promise<{ machine: Machine; image: Image }> {
    checkInstanceToken(this.host.box, instanceId, token);
    const { machines, instances, images } = this.stores;
    const [machine, instance] = [await machines.ofInstance(instanceId), await instances.get(instanceId)];
    const isDue = machine?.stage === 'install' && instance.installMethod === 'iscsi';
    if (!isDue) throw notDue(instanceId, machine);
    return { machine, image: await images.find(instance.imageId ?? '') };
  }

  /** A machine that exports its disk anew has begun anew. */
  private present(machineId: string, { target }: ExportedDisk): Write | undefined {
    const write = this.writes.get(machineId);
    if (!write || write.target === target) return write;
    this.forget(machineId, write);
    return undefined;
  }

  private begin(machine: Machine, instanceId: string, image: Image, disk: ExportedDisk): Write {
    const remote = { ...disk, user, secret: diskSecret(this.host.box, instanceId) };
    const standing = standingOf(
      image,
      'waiting',
      0,
      `no more disks than ${this.host.atATime} are written at a time (DODAI_ISCSI_WRITES)`,
    );
    const write: Write = {
      target: disk.target,
      stop: new AbortController(),
      standing,
      unasked: undefined,
      ended: Promise.resolve(),
    };
    write.ended = this.turns.add(() => this.write(machine, image, remote, write));
    this.writes.set(machine.id, write);
    return write;
  }

  private async write(machine: Machine, image: Image, disk: RemoteDisk, write: Write): Promise<void> {
    const { signal } = write.stop;
    if (signal.aborted) return;
    const be = (state: DiskWriteStanding['state'], doneBytes: number, message: string) =>
      (write.standing = standingOf(image, state, doneBytes, message));
    be('unpacking', 0, `the controller unpacks ${image.name}`);
    try {
      await this.tell(machine, `the controller begins to write ${image.name} to the disk`, disk);
      const onProgress = () => undefined; // of the unpacking, which many may share
      await this.unpacked.use(image, { signal, onProgress }, (file) =>
        this.disks.write(file, disk, {
          signal,
          onProgress: (percent) => be('writing', Math.floor((image.dataBytes * percent) / 100), ''),
        }),
      );
      be('written', image.dataBytes, '');
      await this.tell(machine, `the controller has written ${image.name} to the disk`, disk);
    } catch (error) {
      if (signal.aborted) return;
      this.host.logger.warn({ err: error, machine: machine.name }, 'a disk was not written');
      be('failed', 0, wordsOf(error));
    }
  }

  private awaitNextAsk(machineId: string, write: Write): void {
    write.unasked?.cancel();
    write.unasked = this.host.clock.setTimeout(() => this.forget(machineId, write), unaskedMs);
  }

  private forget(machineId: string, write: Write): void {
    write.unasked?.cancel();
    write.stop.abort();
    if (this.writes.get(machineId) === write) this.writes.delete(machineId);
  }

  private async tell(
    { id, instanceId }: Machine,
    message: string,
    { address, port }: RemoteDisk,
  ): Promise<void> {
    const data = { address, port };
    await this.stores.events.append({ kind: 'disk.write', machineId: id, instanceId, message, data });
  }
}

function standingOf(
  { dataBytes: totalBytes }: Image,
  state: DiskWriteStanding['state'],
  doneBytes: number,
  message: string,
): DiskWriteStanding {
  return { state, doneBytes, totalBytes, message };
}

function wordsOf(error: unknown): string {
  if (!(error instanceof DomainError)) return 'The controller failed to write the disk; its log tells why.';
  return error.remedy === undefined ? error.message : `${error.message} ${error.remedy}`;
}

function elsewhere({ address }: ExportedDisk, client: string): DomainError {
  return new DomainError(
    'invalid-request',
    `The disk is at ${address}, but the request came from ${client}: the controller writes only to the machine that asks.`,
    {
      remedy:
        'Let no NAT and no proxy stand between the machines and the controller, or install by the method image.',
      context: { field: 'address' },
    },
  );
}

function notDue(instanceId: string, machine: Machine | null): DomainError {
  const where = machine ? `${machine.name} is ${machine.stage ?? machine.state}` : 'it has no machine';
  return new DomainError(
    'notify-out-of-order',
    `The disk of instance ${instanceId} is not to be written now: ${where}.`,
    {
      remedy:
        'The controller writes it when the image is installed by iscsi, once the machine has notified install.',
    },
  );
}
