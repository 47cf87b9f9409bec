import type { BootDevice } from '#power';
import { runInstalledOs } from './installed-os.js';
import { runKernel } from './kernel.js';
import { MachineBody } from './machine-body.js';
import { bootFromNetwork } from './network-boot.js';
import { Restart, Session } from './session.js';

/** One machine: what it does when its power is switched. */
export class SimulatedMachine extends MachineBody {
  private session: Session | undefined;

  override powerOn(): void {
    if (this.truth.power === 'on') return;
    this.truth.power = 'on';
    this.truth.powerOns += 1;
    this.note('power on');
    this.begin();
  }

  override powerOff(): void {
    if (this.truth.power === 'off') return;
    this.truth.power = 'off';
    this.note('power off');
    this.moment = 'off';
    this.end();
  }

  override softOff(): void {
    const { session, world, behaviour } = this;
    if (!session || session.hung || this.faults.take('ignores-soft-off')) return;
    const off = () => session === this.session && this.powerOff();
    if (behaviour.softOffMs > 0) world.clock.setTimeout(off, behaviour.softOffMs);
    else off();
  }

  override reset(): void {
    if (this.truth.power === 'off') return;
    this.truth.resets += 1;
    this.note('reset');
    this.end();
    this.begin();
  }

  override cycle(): void {
    this.powerOff();
    const { cycleMs } = this.behaviour;
    if (cycleMs > 0) this.world.clock.setTimeout(() => this.powerOn(), cycleMs);
    else this.powerOn();
  }

  private begin(): void {
    const session = new Session(this);
    this.session = session;
    void this.live(session);
  }

  private end(): void {
    this.session?.end();
    this.session = undefined;
    this.truth.inside = { kind: 'nobody' };
  }

  /** Ends with the session; what the machine could not cope with it notes, and stands still. */
  private async live(session: Session): Promise<void> {
    try {
      for (;;) await this.boot(session);
    } catch (error) {
      if (session.signal.aborted) return;
      if (error instanceof Restart) return this.reset();
      session.hung = true;
      this.truth.standstills += 1;
      this.note(`stands still: ${String(error)}`);
    }
  }

  private async boot(session: Session): Promise<void> {
    await session.at('firmware');
    if (this.nextDevice() === 'disk') return this.bootFromDisk(session);
    const told = await bootFromNetwork(session);
    if (told?.kind === 'kernel') await runKernel(session, told.commandLine);
    else if (told && !this.faults.take('boots-network-again')) await this.bootFromDisk(session);
    else await session.sleep(this.behaviour.retryMs);
  }

  private async bootFromDisk(session: Session): Promise<void> {
    await session.at('disk');
    const { disk } = this.truth;
    if (disk.kind === 'installed') await runInstalledOs(session, disk.os);
    this.note('there is nothing to boot');
    await session.forever();
  }

  private nextDevice(): BootDevice {
    const { bootDevice } = this;
    if (bootDevice?.persistent === false) this.bootDevice = undefined;
    return bootDevice?.device ?? this.behaviour.bootsFrom;
  }
}
