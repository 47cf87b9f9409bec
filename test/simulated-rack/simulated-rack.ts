import { type Clock, Secret, SystemClock } from '#platform';
import { type BmcAddress, bmcName, type ReportedPower } from '#power';
import type { Behaviour } from './behaviour.js';
import { type BmcCommand, bmcFailure, SimulatedBmc } from './simulated-bmc.js';
import { SimulatedMachine } from './simulated-machine.js';
import type { Hooks, World } from './machine-body.js';

export interface SimulatedRackOptions {
  /** Where the controller's TFTP server is; it may be told later, in `world`. */
  tftp?: { host: string; port: number };
  clock?: Clock;
  /** How long a BMC that does not answer is waited for. */
  bmcTimeoutMs?: number;
  hooks?: Hooks;
  behaviour?: Partial<Behaviour>;
}

/** A machine with its BMC. */
export interface Slot {
  machine: SimulatedMachine;
  bmc: SimulatedBmc;
}

const bmcPort = 623;

/** Machines by number, each with a BMC, an address and a MAC of its own. */
export class SimulatedRack {
  readonly world: World;
  readonly slots: Slot[] = [];
  private readonly byBmc = new Map<string, Slot>();

  constructor(private readonly options: SimulatedRackOptions = {}) {
    const { tftp = { host: '127.0.0.1', port: 69 }, clock = new SystemClock() } = options;
    this.world = { tftp, clock, bmcTimeoutMs: options.bmcTimeoutMs ?? 500, hooks: options.hooks ?? {} };
  }

  get machines(): SimulatedMachine[] {
    return this.slots.map(({ machine }) => machine);
  }

  /** Adds so many machines, wiped and off. */
  add(count: number): Slot[] {
    return Array.from({ length: count }, () => this.addOne());
  }

  /** The machine of this name. */
  slot(name: string): Slot {
    const found = this.slots.find(({ machine }) => machine.name === name);
    if (!found) throw new Error(`there is no simulated machine ${name}`);
    return found;
  }

  /** Carries a command to the BMC at this address; nobody answers at an address that is none of ours. */
  async command(
    address: BmcAddress,
    command: BmcCommand,
    signal?: AbortSignal,
  ): Promise<ReportedPower | undefined> {
    signal?.throwIfAborted();
    const slot = this.byBmc.get(bmcName(address));
    if (slot) return slot.bmc.exchange(address, command, signal);
    await this.world.clock.sleep(this.world.bmcTimeoutMs, signal);
    throw bmcFailure(address, 'bmc-no-answer', 'it did not answer');
  }

  /** Takes the power from all of them. */
  stop(): void {
    for (const machine of this.machines) machine.powerOff();
  }

  private addOne(): Slot {
    const number = this.slots.length + 1;
    const place = `${number >> 8}.${number & 255}`;
    const mac = ['02', 'd0', 'da', ...[16, 8, 0].map((bits) => hex((number >> bits) & 255))].join(':');
    const name = `sim-${String(number).padStart(5, '0')}`;
    const machine = new SimulatedMachine(name, mac, `127.1.${place}`, this.world);
    if (this.options.behaviour) machine.behave(this.options.behaviour);
    const slot = { machine, bmc: new SimulatedBmc(bmcAddressOf(`127.2.${place}`), machine) };
    this.slots.push(slot);
    this.byBmc.set(bmcName(slot.bmc.address), slot);
    return slot;
  }
}

const hex = (byte: number) => byte.toString(16).padStart(2, '0');

function bmcAddressOf(host: string): BmcAddress {
  return { host, port: bmcPort, user: 'admin', password: new Secret('simulated'), cipherSuite: 3 };
}
