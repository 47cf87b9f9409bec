import type { NotifyState } from '#core';
import type { Clock } from '#platform';
import type { BootDevice, PowerVerb } from '#power';
import { type Behaviour, type Fault, type Moment, usualBehaviour } from './behaviour.js';
import { FaultList } from './fault-list.js';
import { type Truth, untouched } from './truth.js';

export interface PowerCommandHook {
  machine: MachineBody;
  verb: PowerVerb;
  /** `before`: nothing has happened yet. `after`: it has taken effect and is not answered yet. */
  when: 'before' | 'after';
}

export interface WordHook {
  machine: MachineBody;
  state: NotifyState;
  when: 'before' | 'after';
  /** With `after`: the status of the answer; 0 for no answer at all. */
  status?: number;
}

/** What a campaign wants to do at a certain moment. The simulation waits until the hook has come back. */
export interface Hooks {
  /** `drop` before a command: it never arrives. */
  onPowerCommand?: (hook: PowerCommandHook) => void | 'drop' | Promise<void | 'drop'>;
  onWord?: (hook: WordHook) => void | Promise<void>;
  onMoment?: (machine: MachineBody, moment: Moment) => void | Promise<void>;
}

/** What all machines of a rack have in common. */
export interface World {
  clock: Clock;
  /** Where the controller's TFTP server is. */
  tftp: { host: string; port: number };
  /** How long a driver waits for a BMC. */
  bmcTimeoutMs: number;
  hooks: Hooks;
}

const journalLength = 200;
const happensOnce = new Set<Fault['kind']>(['restarts', 'loses-power']);

/** What a machine is and can be done to, apart from what runs on it. */
export abstract class MachineBody {
  readonly truth: Truth = untouched();
  readonly faults = new FaultList<Fault>(({ kind }) => (happensOnce.has(kind) ? 1 : Infinity));
  behaviour: Behaviour = { ...usualBehaviour };
  /** What its BMC was told to boot from. */
  bootDevice: { device: BootDevice; persistent: boolean } | undefined;
  /** The last moment it came to since it was switched on. */
  moment: Moment | 'off' = 'off';
  /** What happened to it, the newest last, with the time in milliseconds. */
  readonly journal: string[] = [];
  private readonly watchers = new Set<() => void>();

  constructor(
    readonly name: string,
    readonly mac: string,
    /** The address it speaks from. */
    readonly address: string,
    readonly world: World,
  ) {}

  abstract powerOn(): void;
  /** What was being done stays as it is: a disk that was being written stays half-written. */
  abstract powerOff(): void;
  /** The power button: an OS shuts down; firmware, which has none, switches off at once. */
  abstract softOff(): void;
  abstract reset(): void;
  abstract cycle(): void;

  behave(change: Partial<Behaviour>): void {
    this.behaviour = { ...this.behaviour, ...change };
  }

  reached(moment: Moment): void {
    this.moment = moment;
    this.note(moment);
  }

  note(what: string): void {
    this.journal.push(`${Math.round(this.world.clock.monotonicMs())} ${what}`);
    if (this.journal.length > journalLength) this.journal.shift();
    for (const look of this.watchers) look();
  }

  /** Resolves as soon as the machine is as wanted, which is looked at whenever something happens to it. */
  until(isWanted: (machine: this) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!isWanted(this)) return;
        this.watchers.delete(look);
        resolve();
      };
      this.watchers.add(look);
      look();
    });
  }
}
