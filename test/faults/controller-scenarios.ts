import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ControllerProcess, type Moment, type SimulatedMethod } from '../simulated-rack/index.js';
import type { FaultLab } from './fault-lab.js';
import { violationsOfAll, violationsOn } from './invariants.js';
import { come, type LifeName, mend, prepare, release } from './lives.js';
import type { Row } from './table.js';

/** What happens to the controller, or to what it stands on, while machines are installed and wiped. */
export interface ControllerScenario {
  name: string;
  fault: (lab: FaultLab) => Promise<void>;
  /** How long an image is written or a disk wiped, so that the fault comes in the midst of it; none: 3 s. */
  workMs?: number;
  short?: boolean;
}

const everywhere: readonly ControllerScenario[] = [
  { name: 'killed', fault: async (lab) => (lab.kill(), lab.up()) },
  { name: 'killed three times in a row', fault: thrice },
  {
    name: 'PostgreSQL crashes and is started again',
    fault: (lab) => lab.withoutPostgres('immediate'),
    short: true,
  },
  { name: 'PostgreSQL is shut down and started again', fault: (lab) => lab.withoutPostgres('fast') },
  { name: 'all connections to PostgreSQL are cut', fault: async (lab) => lab.around.doors.controller.cut() },
  { name: 'controller and PostgreSQL are killed at once, as by a loss of power', fault: everythingDies },
  {
    name: 'the clock is set two hours on',
    fault: async (lab) => lab.controller.signal('SIGUSR2'),
    short: true,
  },
  { name: 'the clock is set two hours back', fault: async (lab) => lab.controller.signal('SIGHUP') },
  { name: 'a second conductor works beside it, and is killed', fault: secondConductor, workMs: 20_000 },
];

export const onPostgres: readonly ControllerScenario[] = [
  ...everywhere,
  { name: 'the queue is emptied', fault: emptyTables, short: true },
];

export const onRedis: readonly ControllerScenario[] = [
  ...everywhere.filter(({ name }) => name === 'killed' || name.includes('second')),
  { name: 'Redis is emptied', fault: (lab) => redisOf(lab).empty() },
  { name: 'Redis is killed, and started again empty', fault: (lab) => redisOf(lab).restart(), short: true },
];

/** What the machines of a rack do by turns, and a moment in the midst of it. */
const shared: readonly { life: LifeName; moment: Moment }[] = [
  { life: 'install', moment: 'image' },
  { life: 'destroy', moment: 'wipe' },
  { life: 'reuse', moment: 'hand-over' },
  { life: 'netinstall', moment: 'image' },
  { life: 'live', moment: 'installed' },
  { life: 'manual', moment: 'disk' },
];
export const sharedMethods: readonly SimulatedMethod[] = ['netinstall', 'live', 'manual'];

/** The machines are installed, wiped and handed over; when one is in the midst of each, the fault comes. */
export async function runControllerScenario(
  lab: FaultLab,
  { name, fault, workMs = 3000 }: ControllerScenario,
  group: string,
): Promise<Row> {
  const startedMs = performance.now();
  const works = lab.slots.map((slot, index) => ({ slot, ...shared[index % shared.length]! }));
  for (const { machine } of lab.slots) machine.behave({ workMs });
  const faults: string[] = [];
  const ends: string[] = [];
  try {
    await Promise.all(works.map(({ slot, life }) => prepare(lab, slot, life)));
    const midst = works.slice(0, shared.length).map(({ slot: { machine }, moment }) => {
      return new Promise<void>((resolve) => lab.atMoment(machine, moment, async () => resolve()));
    });
    const all = works.map(async ({ slot, life }) => {
      const end = await come(lab, slot, life);
      ends.push(end);
      faults.push(...(await violationsOn(lab, slot)));
      if (end !== 'same' && (await mend(lab, slot, life)) !== 'same')
        faults.push(`${slot.machine.name}: ${end}`);
    });
    const struck = Promise.all(midst).then(() => fault(lab));
    await Promise.all([struck, ...all]);
    faults.push(...(await violationsOfAll(lab)));
    await Promise.all(works.map(({ slot }) => release(lab, slot)));
  } catch (error) {
    faults.push(String(error));
  }
  const other = ends.filter((end) => end !== 'same');
  const end = other.length === 0 ? 'same' : other.join(', ');
  return { group, name, end, seconds: (performance.now() - startedMs) / 1000, faults };
}

async function thrice(lab: FaultLab): Promise<void> {
  for (let time = 0; time < 3; time++) {
    lab.kill();
    await lab.up();
  }
}

async function everythingDies(lab: FaultLab): Promise<void> {
  await lab.withoutPostgres('immediate', async () => lab.kill());
  await lab.up().catch(() => lab.startAgain());
}

async function emptyTables({ second }: FaultLab): Promise<void> {
  const tables = ['job', 'dedup', 'dedup_next'].map((table) => `bullmq.${table}`).join(', ');
  await second.database.client.$executeRawUnsafe(`TRUNCATE ${tables} CASCADE`);
}

/** Another process with the role `conductor` on the same stores; what it has in hand when it is killed goes to the first one. */
async function secondConductor({ around: { rack }, controller }: FaultLab): Promise<void> {
  const { tftp } = rack.world;
  const key = (await readFile(join(controller.dataDir, 'secret-key'))).toString('base64');
  const roles = { DODAI_ROLES: 'conductor', DODAI_SECRET_KEY: key };
  const other = await ControllerProcess.start(rack, { environment: { ...controller.shared, ...roles } });
  rack.world.tftp = tftp; // it has no TFTP server
  const [slot] = rack.slots;
  await slot?.machine.until(({ moment }) => moment === 'disk' || moment === 'up');
  await other.kill();
  await other.end();
}

/** Takes all the space that PostgreSQL has, until it cannot even write its log any more; then gives it back. */
export async function fillDisk(lab: FaultLab, directory: string): Promise<void> {
  const file = join(directory, 'filler');
  const mib = Buffer.alloc(1024 * 1024);
  for (const size of [mib, mib.subarray(0, 4096)])
    for (let isFull = false; !isFull;)
      isFull = await writeFile(file, size, { flag: 'a' }).then(
        () => false,
        () => true,
      );
  await fillLog(lab);
  await rm(file);
  await lab.withoutPostgres('fast'); // it has given up
}

/** Whatever segments of its log PostgreSQL still has are used up one by one. */
async function fillLog({ second }: FaultLab): Promise<void> {
  const { client } = second.database;
  for (let isFull = false; !isFull;)
    isFull =
      await client.$queryRaw`SELECT pg_switch_wal() FROM pg_logical_emit_message(true, 'fill', 'x')`.then(
        () => false,
        () => true,
      );
}

function redisOf({ around: { redis } }: FaultLab) {
  if (!redis) throw new Error('this lab has no Redis');
  return redis;
}
