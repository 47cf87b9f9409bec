import {
  DomainError,
  type ErrorCode,
  lockedVerbs,
  type Machine,
  machineLifecycle,
  nextStage,
  type NotifyState,
  notifyStates,
  type Verb,
} from '#core';
import { isLegal } from '#testing';
import fc from 'fast-check';
import { TestEngine } from '../support/engine.js';

/** What a bystander knows of the machines: nothing but what was asked and answered. */
interface Model {
  /** What was written to, and has not said since that it is wiped. */
  dirty: Set<string>;
  locked: Set<string>;
  maintained: Set<string>;
}

/** The engine on a real database, and everything that was ever spawned on it. */
interface Real {
  engine: TestEngine;
  machines: Machine[];
  instances: string[];
}

const asker = { kind: 'token', name: 'model' } as const;

/** Answers that a verb or a word may have at any time; none of them may change anything. */
const refusals = new Set<ErrorCode>([
  'verb-not-allowed',
  'machine-locked',
  'machine-in-maintenance',
  'machine-unavailable',
  'state-changed',
  'notify-out-of-order',
  'image-not-found',
]);

/** False: it was refused, as it may be. */
async function isTaken(asked: Promise<unknown>): Promise<boolean> {
  try {
    await asked;
    return true;
  } catch (error) {
    if (error instanceof DomainError && refusals.has(error.code)) return false;
    throw error;
  }
}

type Act = (model: Model, real: Real) => Promise<void>;

class Command implements fc.AsyncCommand<Model, Real> {
  constructor(
    private readonly name: string,
    private readonly act: Act,
  ) {}

  check(): boolean {
    return true;
  }

  async run(model: Model, real: Real): Promise<void> {
    await this.act(model, real);
    await look(model, real);
  }

  toString(): string {
    return this.name;
  }
}

const machineAt = ({ engine, machines }: Real, index: number) =>
  engine.machines.get(machines[index]?.id ?? '');

/** What is asked of a machine, by the name of the verb. */
const asks = {
  verify: ({ verbs }, { id }) => verbs.verify(id, asker),
  retry: ({ verbs }, { id }) => verbs.retry(id, asker),
  abort: ({ verbs }, { id }) => verbs.abort(id, asker),
  start: ({ verbs }, { id }) => verbs.orderPower(id, 'start', asker),
  stop: ({ verbs }, { id }) => verbs.orderPower(id, 'stop', asker, { hard: true }),
  reboot: ({ verbs }, { id }) => verbs.orderPower(id, 'reboot', asker),
  power_cycle: ({ verbs }, { id }) => verbs.orderPower(id, 'power_cycle', asker),
  destroy: ({ verbs }, { instanceId }) => onInstance(instanceId, (id) => verbs.destroy(id, asker)),
  force_destroy: ({ verbs }, { instanceId }) => onInstance(instanceId, (id) => verbs.forceDestroy(id, asker)),
  rebuild: ({ verbs }, { instanceId }) => onInstance(instanceId, (id) => verbs.rebuild(id, undefined, asker)),
} as const satisfies Partial<Record<Verb, (engine: TestEngine, machine: Machine) => Promise<unknown>>>;

function onInstance(id: string | null, ask: (id: string) => Promise<unknown>): Promise<unknown> {
  if (id !== null) return ask(id);
  return Promise.reject(new DomainError('verb-not-allowed', 'There is nothing on it.'));
}

function asking(verb: keyof typeof asks, index: number): Command {
  return new Command(`${verb} of ${index}`, async ({ locked }, real) => {
    const machine = await machineAt(real, index);
    const taken = await isTaken(asks[verb](real.engine, machine));
    const kept = locked.has(machine.id) && lockedVerbs.has(verb) && machine.state !== 'deleting';
    if (taken && kept && verb !== 'destroy') throw new Error(`${verb} was taken by a locked machine`);
  });
}

function marking(what: 'lock' | 'maintain', on: boolean, index: number): Command {
  return new Command(`${what} ${on ? 'on' : 'off'} ${index}`, async (model, real) => {
    const { id } = await machineAt(real, index);
    if (!(await isTaken(real.engine.verbs[what](id, on ? 'for a while' : null, asker)))) return;
    const marked = what === 'lock' ? model.locked : model.maintained;
    if (on) marked.add(id);
    else marked.delete(id);
  });
}

function spawning(cluster: string | undefined): Command {
  return new Command(`spawn into ${cluster ?? 'the pool'}`, async ({ locked, maintained }, real) => {
    const free = new Set((await real.engine.machines.list({ limit: 10 })).items.map(({ id }) => id));
    await isTaken(
      real.engine.spawn(undefined, cluster).then(({ id, machineId }) => {
        real.instances.push(id);
        const given = machineId ?? '';
        if (!free.has(given) || locked.has(given) || maintained.has(given))
          throw new Error('a machine was given that is not to be given');
      }),
    );
  });
}

/** A word of any instance that ever was: in order, out of order, once more, of one that is long gone. */
function saying(word: NotifyState, age: number): Command {
  return new Command(`${word} says the instance ${age} before the last`, async ({ dirty }, real) => {
    const id = real.instances.at(-1 - age);
    if (id === undefined) return;
    const { machineId } = await real.engine.instances.get(id);
    const said = real.engine.callbacks.notify(id, real.engine.token(id), { state: word });
    if (!(await isTaken(said)) || machineId === null) return;
    if (word === 'install') dirty.add(machineId);
    if (word === 'deleted') dirty.delete(machineId);
  });
}

const crash = new Command('crash', async (_model, { engine }) => {
  await engine.stopConductor();
  await engine.startConductor();
});

/** What the machine does next, if it behaves. */
function behaving(index: number): Command {
  return new Command(`${index} goes on`, async (model, real) => {
    const { state, stage, instanceId } = await machineAt(real, index);
    const word = stage && notifyStates.find((each) => each !== 'failed' && nextStage(state, stage, each));
    const age = real.instances.length - 1 - real.instances.indexOf(instanceId ?? '');
    if (word && age < real.instances.length) await saying(word, age).run(model, real);
  });
}

const machineCount = 3;
const index = fc.nat({ max: machineCount - 1 });
const commands = [
  fc.constantFrom(undefined, 'blue').map(spawning),
  index.map(behaving),
  index.map(behaving),
  fc.tuple(fc.constantFrom(...notifyStates), fc.nat({ max: 4 })).map(([word, age]) => saying(word, age)),
  fc
    .tuple(fc.constantFrom(...(Object.keys(asks) as (keyof typeof asks)[])), index)
    .map(([verb, at]) => asking(verb, at)),
  fc
    .tuple(fc.constantFrom('lock', 'maintain'), fc.boolean(), index)
    .map(([what, on, at]) => marking(what, on, at)),
  fc.constant(crash),
];

/** What must hold at any time, whatever is under way. */
async function look({ dirty }: Model, { engine, instances }: Real): Promise<void> {
  const rows = await engine.database.client.$queryRaw<Row[]>`
    SELECT m.id, m.name, m.state::text, m.instance_id AS "instanceId", i.state::text AS instance, m.last_error AS "lastError"
    FROM machines m LEFT JOIN instances i ON i.id = m.instance_id`;
  for (const { id, name, state, instance, lastError } of rows) {
    if (!isLegal(state, instance))
      throw new Error(`${name} is ${state} with an instance that is ${instance}`);
    if (state === 'inactive' && dirty.has(id)) throw new Error(`${name} is free and was not wiped`);
    if (machineLifecycle[state].kind === 'failed' && !lastError) throw new Error(`${name} does not say why`);
  }
  const placed = new Set(rows.map(({ instanceId }) => instanceId));
  for (const id of instances) {
    const { state } = await engine.instances.get(id);
    if (state !== 'deleted' && !placed.has(id) && !(await isPlaced(engine, id)))
      throw new Error(`the instance ${id} is ${state} and on no machine`);
  }
}

type Row = {
  id: string;
  name: string;
  state: Machine['state'];
  instanceId: string | null;
  instance: Parameters<typeof isLegal>[1];
  lastError: unknown;
};

/** Looked at anew: between two looks the conductor may have moved both. */
async function isPlaced(engine: TestEngine, id: string): Promise<boolean> {
  const { machineId, state } = await engine.instances.get(id);
  return (
    state === 'deleted' || (machineId !== null && (await engine.machines.get(machineId)).instanceId === id)
  );
}

/** Everybody behaves from now on and gives back what there is: every machine must come to be free. */
async function windUp(model: Model, real: Real): Promise<void> {
  const { engine, machines } = real;
  for (const [at, { id }] of machines.entries()) {
    await marking('lock', false, at).run(model, real);
    for (;;) {
      const machine = await engine.machines.get(id);
      const { kind } = machineLifecycle[machine.state];
      if (machine.state === 'inactive') break;
      if (kind === 'failed') await asking('retry', at).run(model, real);
      else if (kind === 'rest') await asking('destroy', at).run(model, real);
      else await behaving(at).run(model, real);
      const { state, stage } = machine;
      await engine.until(id, (now) => now.state !== state || now.stage !== stage);
    }
  }
  for (const id of real.instances) {
    const { state } = await engine.instances.get(id);
    if (state !== 'deleted') throw new Error(`the instance ${id} is ${state} after everything was destroyed`);
  }
}

/** Runs so many random stories. `fresh` opens an engine on an empty database. */
export async function tellStories(
  fresh: () => Promise<TestEngine>,
  { numRuns, seed }: { numRuns: number; seed: number },
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { maxCommands: 60, size: 'max' }), async (story) => {
      const engine = await fresh();
      try {
        const machines = await Promise.all(
          Array.from({ length: machineCount }, (_, at) => engine.inactiveMachine(`m${at + 1}`, at + 1)),
        );
        const model: Model = { dirty: new Set(), locked: new Set(), maintained: new Set() };
        const real: Real = { engine, machines, instances: [] };
        await fc.asyncModelRun(() => ({ model, real }), story);
        await windUp(model, real);
      } finally {
        await engine.stop();
      }
    }),
    { numRuns, seed, endOnFailure: true, interruptAfterTimeLimit: undefined },
  );
}
