import type { Moment } from './behaviour.js';
import type { MachineBody } from './machine-body.js';

/** Thrown where the machine starts anew without losing its power. */
export class Restart extends Error {}

/** Thrown where the script that runs in the live image, or an installer, ends badly. */
export class ScriptFailure extends Error {}

/** From power on to power off, or to the next reset: everything that runs on the machine runs in a session and ends with it. */
export class Session {
  private readonly ending = new AbortController();
  /** It stands still and hears nothing any more, not even the power button. */
  hung = false;

  constructor(readonly machine: MachineBody) {}

  get signal(): AbortSignal {
    return this.ending.signal;
  }

  end(): void {
    this.ending.abort(new Error('the power is off'));
  }

  /** Comes to a moment: whatever is to happen there happens, and the time it takes passes. */
  async at(moment: Moment): Promise<void> {
    this.signal.throwIfAborted();
    const { machine } = this;
    machine.reached(moment);
    await machine.world.hooks.onMoment?.(machine, moment);
    this.signal.throwIfAborted();
    await this.strike(moment);
    await this.sleep(machine.behaviour.delayMs[moment] ?? 0);
  }

  async sleep(ms: number): Promise<void> {
    if (ms > 0) await this.machine.world.clock.sleep(ms, this.signal);
    this.signal.throwIfAborted();
  }

  /** Until the power is off. */
  forever(): Promise<never> {
    return new Promise((_resolve, reject) => {
      if (this.signal.aborted) reject(this.signal.reason);
      this.signal.addEventListener('abort', () => reject(this.signal.reason), { once: true });
    });
  }

  /** Tries until it succeeds, with pauses that double from `retryMs` up to 15 times that. */
  async retry<T>(tries: number, attempt: () => Promise<T | undefined>): Promise<T | undefined> {
    let pause = 1;
    for (let tried = 1; ; tried++) {
      const result = await attempt();
      if (result !== undefined || tried >= tries) return result;
      await this.sleep(pause * this.machine.behaviour.retryMs);
      pause = Math.min(pause * 2, 15);
    }
  }

  private async strike(moment: Moment): Promise<void> {
    const { faults } = this.machine;
    const isHere = (fault: { at: Moment }) => fault.at === moment;
    if (faults.take('hangs', isHere)) {
      this.hung = true;
      await this.forever();
    }
    if (faults.take('loses-power', isHere)) {
      this.machine.powerOff();
      this.signal.throwIfAborted();
    }
    if (faults.take('restarts', isHere)) throw new Restart();
    const failure = faults.take('fails', isHere);
    if (failure) throw new ScriptFailure(failure.message);
  }
}
