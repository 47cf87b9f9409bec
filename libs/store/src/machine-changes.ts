import type { Machine } from '#core';
import type { Database } from './database.js';
import type { NewEvent } from './event-store.js';
import { type Machine as Row, Prisma } from './generated/client.js';
import { GroupedQueries } from './grouped-queries.js';
import { columnOf, machineColumns } from './machine-columns.js';
import { toMachine } from './rows.js';
import { movedOn } from './transitions.js';
import { isNobodys } from './unavailable.js';

/** What changes while a machine is worked on, over and over again. */
const changing = [
  'stage',
  'stageSince',
  'awaits',
  'awaitsUntil',
  'progress',
  'progressMessage',
  'attempt',
  'retryAt',
  'lastWipe',
] as const;

/** From where the machine was seen, with the row of the timeline that tells of it. */
interface MachineChange {
  machine: Machine;
  to: Partial<Pick<Machine, (typeof changing)[number]>>;
  event: Pick<NewEvent, 'kind' | 'message' | 'data'>;
}

const columns = Prisma.raw(changing.map(columnOf).join(', '));

/**
 * Changes inside the work on machines, each with its row of the timeline: those that come at the same time are one statement, so
 * that a crowd of machines costs few commits, and the timeline, which has one writer at a time, is nobody's for longer than a commit.
 */
export class MachineChanges {
  private readonly groups: GroupedQueries<MachineChange, Machine | undefined>;

  constructor(private readonly database: Database) {
    this.groups = new GroupedQueries((changes) => this.make(changes), {
      isForAll: isNobodys,
      keyOf: ({ machine }) => machine.id,
    });
  }

  /** Throws DomainError `state-changed` when the machine is not where it was seen any more. */
  async add(change: MachineChange): Promise<Machine> {
    const changed = await this.groups.add(change);
    if (changed) return changed;
    throw movedOn(change.machine);
  }

  /**
   * The rows of the timeline are sorted so that none is written before the last machine was changed: whoever holds a machine may
   * wait for the timeline, but nobody who has the timeline waits for a machine.
   */
  private async make(changes: readonly MachineChange[]): Promise<(Machine | undefined)[]> {
    const now = this.database.clock.now();
    const asked = changes.map(({ machine: { id, state, stage, attempt }, to, event }, place) => {
      const set = Object.fromEntries(
        Object.entries(to).map(([field, value]) => [columnOf(field as 'id'), value]),
      );
      return { place, id, state, stage, attempt, set, ...event, data: event.data ?? {} };
    });
    const rows = await this.database.client.$queryRaw<(Row & { place: number })[]>`
      WITH asked AS (
        SELECT * FROM jsonb_to_recordset(${JSON.stringify(asked)}::jsonb) AS asked (place int, id uuid, state "MachineState",
          stage "Stage", attempt int, set jsonb, kind text, message text, data jsonb)
      ), changed AS (
        UPDATE machines SET (${columns}) = (SELECT ${columns} FROM jsonb_populate_record(machines, asked.set)),
          updated_at = ${now}
        FROM asked WHERE machines.id = asked.id AND machines.state = asked.state
          AND machines.stage IS NOT DISTINCT FROM asked.stage AND machines.attempt = asked.attempt
        RETURNING machines.*, place, kind, message, data
      ), told AS (
        INSERT INTO events (at, kind, machine_id, instance_id, message, data)
        SELECT ${now}::timestamptz, kind, id, instance_id, message, data FROM changed ORDER BY place
      ) SELECT place, ${machineColumns} FROM changed`;
    const changed = new Map(rows.map(({ place, ...row }) => [place, toMachine(row)]));
    return changes.map((_change, place) => changed.get(place));
  }
}
