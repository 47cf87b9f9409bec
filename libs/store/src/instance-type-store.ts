import { DomainError, type DiskLayout, type InstanceType } from '#core';
import type { Database } from './database.js';
import { eventRow } from './event-store.js';
import { type InstanceType as Row, Prisma } from './generated/client.js';
import { type Page, pageOf } from './page.js';
import { toInstanceType } from './rows.js';
import type { Transaction } from './transitions.js';
import { isForeignKeyViolation, violatedColumns } from './unique-violation.js';

export type NewInstanceType = Omit<InstanceType, 'createdAt'>;

export class InstanceTypeStore {
  constructor(private readonly database: Database) {}

  /** Throws DomainError `instance-type-duplicate`. */
  async create(type: NewInstanceType): Promise<InstanceType> {
    try {
      return await this.told((tx) => tx.instanceType.create({ data: columnsOf(type) }), 'made');
    } catch (error) {
      if (!violatedColumns(error)) throw error;
      throw new DomainError('instance-type-duplicate', `There is already an instance type ${type.name}.`, {
        remedy: 'Choose another name, or change the one there is.',
        context: { field: 'name' },
      });
    }
  }

  /** Throws DomainError `instance-type-not-found`. */
  async get(name: string): Promise<InstanceType> {
    const row = await this.database.client.instanceType.findUnique({ where: { name } });
    if (row) return toInstanceType(row);
    throw new DomainError('instance-type-not-found', `There is no instance type ${name}.`, {
      remedy: 'List the instance types to see what there is, or create it first.',
      context: { field: 'instanceType' },
    });
  }

  async list(filter: { after?: string; limit: number }): Promise<Page<InstanceType>> {
    const rows = await this.database.client.instanceType.findMany({
      where: { name: filter.after === undefined ? undefined : { gt: filter.after } },
      orderBy: { name: 'asc' },
      take: filter.limit + 1,
    });
    return pageOf(rows.map(toInstanceType), filter.limit, (type) => type.name);
  }

  async update(name: string, patch: Partial<Omit<NewInstanceType, 'name'>>): Promise<InstanceType> {
    await this.get(name);
    const data = columnsOf(patch);
    return this.told((tx) => tx.instanceType.update({ where: { name }, data }), 'changed');
  }

  /** Those that machines are to wait in a pool of. */
  async withPool(): Promise<InstanceType[]> {
    const rows = await this.database.client.instanceType.findMany({
      where: {
        defaultImageId: { not: null },
        OR: [{ poolSize: { gt: 0 } }, { afterDestroy: 'reinstall' }],
      },
    });
    return rows.map(toInstanceType);
  }

  private told(act: (tx: Transaction) => Promise<Row>, what: 'made' | 'changed'): Promise<InstanceType> {
    return this.database.client.$transaction(async (tx) => {
      const type = toInstanceType(await act(tx));
      const message = `The instance type ${type.name} was ${what}`;
      const event = { kind: 'instance-type.changed', message, data: { name: type.name } };
      await tx.event.create({ data: eventRow(event, this.database.clock.now()) });
      return type;
    });
  }

  /** Throws DomainError `instance-type-in-use` while a machine is of this type. */
  async remove(name: string): Promise<void> {
    await this.get(name);
    try {
      await this.database.client.instanceType.delete({ where: { name } });
    } catch (error) {
      if (!isForeignKeyViolation(error)) throw error;
      throw new DomainError('instance-type-in-use', `Machines of the type ${name} are still enrolled.`, {
        remedy: 'Give those machines another type, or delete them first.',
      });
    }
  }
}

function columnsOf<T extends { diskLayout?: DiskLayout | null }>({ diskLayout, ...same }: T) {
  if (diskLayout === undefined) return same;
  // Without type assertion TypeScript does not know that an interface is JSON.
  const json = diskLayout === null ? Prisma.DbNull : (diskLayout as unknown as Prisma.InputJsonObject);
  return { ...same, diskLayout: json };
}
