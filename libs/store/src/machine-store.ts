import { randomUUID } from 'node:crypto';
import { DomainError, type Machine, type MachineState, type RootDeviceHint, type Stage } from '#core';
import type { Secret } from '#platform';
import type { Database } from './database.js';
import { eventRow } from './event-store.js';
import { type Machine as Row, Prisma } from './generated/client.js';
import { GroupedQueries } from './grouped-queries.js';
import { machineColumns } from './machine-columns.js';
import { type Page, pageOf } from './page.js';
import { toMachine } from './rows.js';
import { isNobodys } from './unavailable.js';
import { isForeignKeyViolation, violatedColumns } from './unique-violation.js';

type Described = Pick<
  Machine,
  | 'name'
  | 'instanceType'
  | 'vcpus'
  | 'memoryMb'
  | 'localGb'
  | 'availabilityZone'
  | 'bmcHost'
  | 'bmcPort'
  | 'bmcUser'
  | 'bmcCipherSuite'
  | 'pxeMac'
  | 'bootMode'
  | 'labels'
>;
type Optional = Pick<
  Machine,
  | 'pxeIp'
  | 'storageMac'
  | 'storageIp'
  | 'serviceIp'
  | 'serviceMac1'
  | 'serviceMac2'
  | 'switchPort1'
  | 'switchPort2'
  | 'dpid1'
  | 'dpid2'
  | 'vlanId'
>;

/** A machine as an administrator describes it. */
export type NewMachine = Described &
  Partial<Optional> & { rootDeviceHint?: RootDeviceHint | null; bmcPassword: Secret };
export type MachinePatch = Partial<NewMachine>;

export interface MachineFilter {
  state?: MachineState;
  /** Only those in one of these. */
  stages?: readonly Stage[];
  instanceType?: string;
  /** `key=value`; every one must match. */
  labels?: Record<string, string>;
  /** Only those that an owner has given back. */
  returned?: true;
  /** Only those that a power order is in hand for. */
  powerOrdered?: true;
  /** Only those that nothing is awaited of at this time, and that no try is put off for. */
  dueAt?: Date;
  /** Name after which the page starts. */
  after?: string;
  limit: number;
}

/** What machines are asked for by while they are worked on: by crowds of them at once. */
type Key = 'id' | 'instanceId' | 'pxeIp';
const wantedBy: Record<Key, (values: readonly string[]) => Prisma.Sql> = {
  id: (values) => Prisma.sql`id = ANY(${values}::uuid[])`,
  instanceId: (values) => Prisma.sql`instance_id = ANY(${values}::uuid[])`,
  pxeIp: (values) => Prisma.sql`pxe_ip = ANY(${values})`,
};

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The inventory: describing machines. Their state is written by LifecycleWriter alone. */
export class MachineStore {
  private readonly byKey: Record<Key, GroupedQueries<string, Machine | null>>;

  constructor(private readonly database: Database) {
    const reader = (key: Key) =>
      new GroupedQueries<string, Machine | null>((values) => this.readBy(key, values), {
        isForAll: isNobodys,
      });
    this.byKey = { id: reader('id'), instanceId: reader('instanceId'), pxeIp: reader('pxeIp') };
  }

  async create(machine: NewMachine, asker: string): Promise<Machine> {
    const [created] = await this.createAll([machine], asker);
    return created!;
  }

  /** All or none. Throws DomainError `machine-duplicate` with `context.field`, or `instance-type-not-found`. */
  async createAll(machines: readonly NewMachine[], asker: string): Promise<Machine[]> {
    const at = this.database.clock.now();
    const rows = machines.map((machine) => ({
      ...this.columns(machine),
      id: randomUUID(),
      state: 'enrolled' as const,
      stateSince: at,
    }));
    try {
      return await this.database.client.$transaction(async (tx) => {
        const created = await tx.machine.createManyAndReturn({
          data: rows as Prisma.MachineCreateManyInput[],
        });
        await tx.event.createMany({
          data: created.map(({ id, name }) => ({
            at,
            kind: 'machine.enrolled',
            machineId: id,
            message: `${asker} enrolled ${name}`,
          })),
        });
        return created.map(toMachine);
      });
    } catch (error) {
      throw this.explain(error, machines);
    }
  }

  /** Throws DomainError `machine-not-found`. */
  async get(id: string): Promise<Machine> {
    return this.find(id);
  }

  async byId(id: string): Promise<Machine | null> {
    return this.byKey.id.add(id);
  }

  /** The machine that this instance is on; null when it is on none, or on none any more. */
  async ofInstance(instanceId: string): Promise<Machine | null> {
    return this.byKey.instanceId.add(instanceId);
  }

  async byIds(ids: string[]): Promise<Machine[]> {
    return (await this.database.client.machine.findMany({ where: { id: { in: ids } } })).map(toMachine);
  }

  /** Those that DHCP gives an address of their own. */
  async withPxeIp(): Promise<(Machine & { pxeIp: string })[]> {
    const rows = await this.database.client.machine.findMany({ where: { pxeIp: { not: null } } });
    return rows
      .map(toMachine)
      .filter((machine): machine is Machine & { pxeIp: string } => machine.pxeIp !== null);
  }

  /** By id or name. Throws DomainError `machine-not-found`. */
  async find(idOrName: string): Promise<Machine> {
    const row = await this.database.client.machine.findFirst({
      where: uuid.test(idOrName) ? { id: idOrName } : { name: idOrName },
    });
    if (row) return toMachine(row);
    throw new DomainError('machine-not-found', `There is no machine ${idOrName}.`, {
      remedy: 'List the machines to see their names and ids.',
    });
  }

  /** The machine that boots with this MAC (lower case, colons); null for a stranger. */
  async byMac(mac: string): Promise<Machine | null> {
    const row = await this.database.client.machine.findUnique({ where: { pxeMac: mac } });
    return row && toMachine(row);
  }

  /** The machine that the inventory gives this address for its network boot; null for a stranger. */
  async byPxeIp(address: string): Promise<Machine | null> {
    return this.byKey.pxeIp.add(address);
  }

  async list(filter: MachineFilter): Promise<Page<Machine>> {
    const { state, stages, instanceType, labels = {}, returned, powerOrdered, dueAt, after, limit } = filter;
    const rows = await this.database.client.machine.findMany({
      where: {
        state,
        stage: stages && { in: [...stages] },
        instanceTypeName: instanceType,
        returnedAt: returned && { not: null },
        powerOrder: powerOrdered && { not: null },
        name: after === undefined ? undefined : { gt: after },
        AND: [
          ...Object.entries(labels).map(([key, value]) => ({ labels: { path: [key], equals: value } })),
          ...(dueAt ? [isOver('awaitsUntil', dueAt), isOver('retryAt', dueAt)] : []),
        ],
      },
      orderBy: { name: 'asc' },
      take: limit + 1,
    });
    return pageOf(rows.map(toMachine), limit, (machine) => machine.name);
  }

  /** How many machines, of this type or of all, there are in each state that has any. */
  async countByState(instanceType?: string): Promise<Partial<Record<MachineState, number>>> {
    const groups = await this.database.client.machine.groupBy({
      by: ['state'],
      where: { instanceTypeName: instanceType },
      _count: true,
    });
    return Object.fromEntries(groups.map((group) => [group.state, group._count]));
  }

  async update(id: string, patch: MachinePatch, asker: string): Promise<Machine> {
    const data = this.columns(patch) as Prisma.MachineUncheckedUpdateInput;
    const fields = Object.keys(patch);
    if (fields.some((field) => field.startsWith('bmc'))) data.powerDueAt = null; // see at once whether it was mended
    try {
      return await this.database.client.$transaction(async (tx) => {
        const row = await tx.machine.update({ where: { id }, data });
        const message = `${asker} changed ${fields.join(', ')} of ${row.name}`;
        const event = {
          kind: 'machine.changed',
          machineId: id,
          instanceId: row.instanceId,
          message,
          data: { fields },
        };
        await tx.event.create({ data: eventRow(event, this.database.clock.now()) });
        return toMachine(row);
      });
    } catch (error) {
      throw this.explain(error, [patch]);
    }
  }

  /** Removes the machine if it is still in this state; false: it is not. */
  async remove({ id, state, name }: Machine, asker: string): Promise<boolean> {
    return this.database.client.$transaction(async (tx) => {
      const { count } = await tx.machine.deleteMany({ where: { id, state } });
      if (count === 0) return false;
      const event = { kind: 'machine.removed', machineId: id, message: `${asker} removed ${name}` };
      await tx.event.create({ data: eventRow(event, this.database.clock.now()) });
      return true;
    });
  }

  /** For the power driver alone. */
  async bmcPassword(id: string): Promise<Secret> {
    const { bmcPassword } = await this.database.client.machine.findUniqueOrThrow({
      where: { id },
      select: { bmcPassword: true },
    });
    return this.database.box.open(bmcPassword);
  }

  private async readBy(key: Key, values: readonly string[]): Promise<(Machine | null)[]> {
    const rows = await this.database.client.$queryRaw<Row[]>`
      SELECT ${machineColumns} FROM machines WHERE ${wantedBy[key](values)}`;
    const found = new Map(rows.map((row) => [row[key], toMachine(row)]));
    return values.map((value) => found.get(value) ?? null);
  }

  private columns(machine: MachinePatch) {
    const { instanceType, bmcPassword, rootDeviceHint, ...same } = machine;
    return {
      ...same,
      ...(instanceType !== undefined && { instanceTypeName: instanceType }),
      ...(bmcPassword !== undefined && { bmcPassword: this.database.box.seal(bmcPassword) }),
      ...(rootDeviceHint !== undefined && {
        rootDeviceHint: rootDeviceHint === null ? Prisma.DbNull : (rootDeviceHint as Prisma.InputJsonObject),
      }),
    };
  }

  private explain(error: unknown, machines: readonly MachinePatch[]): unknown {
    const columns = violatedColumns(error);
    if (columns) return duplicate(columns, machines);
    if (!isForeignKeyViolation(error)) return error;
    const types = [...new Set(machines.map((machine) => machine.instanceType))].join(', ');
    return new DomainError('instance-type-not-found', `There is no instance type ${types}.`, {
      remedy: 'Create the instance type first.',
      context: { field: 'instanceType' },
    });
  }
}

/** There is no such time, or it has come. */
function isOver(field: 'awaitsUntil' | 'retryAt', at: Date): Prisma.MachineWhereInput {
  return { OR: [{ [field]: null }, { [field]: { lte: at } }] };
}

const fieldOfColumn: Record<string, 'name' | 'pxeMac' | 'pxeIp' | 'bmcHost'> = {
  name: 'name',
  pxe_mac: 'pxeMac',
  pxe_ip: 'pxeIp',
  bmc_host: 'bmcHost',
};

function duplicate(columns: string[], machines: readonly MachinePatch[]): DomainError {
  const field = fieldOfColumn[columns[0] ?? ''] ?? 'name';
  const only = machines.length === 1 ? machines[0] : undefined;
  const value =
    field === 'bmcHost' ? `BMC ${only?.bmcHost}:${only?.bmcPort}` : `${field} ${only?.[field] ?? ''}`;
  return new DomainError('machine-duplicate', `Another machine already has the ${only ? value : field}.`, {
    remedy:
      'Each machine has a name, a PXE MAC, a PXE address and a BMC of its own: check for a machine enrolled twice.',
    context: { field },
  });
}
