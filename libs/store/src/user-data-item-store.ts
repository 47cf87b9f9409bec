import { DomainError, type PartOrItem, type UserDataItem, type UserDataPart, type UserDataType } from '#core';
import type { Database } from './database.js';
import { eventRow } from './event-store.js';
import type { UserDataItem as Row } from './generated/client.js';
import { type ItemVersion, refuseReferred } from './item-references.js';
import { type Page, pageOf } from './page.js';
import { violatedColumns } from './unique-violation.js';

/** What somebody puts into the library. */
export type NewUserDataItem = Omit<UserDataItem, 'version' | 'createdAt'>;

/** The library of user data. What is put under a name that is there becomes its next version; the others stay as they are. */
export class UserDataItemStore {
  constructor(private readonly database: Database) {}

  /** What is there already, word for word, is no new version. */
  async put(item: NewUserDataItem): Promise<UserDataItem> {
    const newest = await this.newest(item.name);
    if (newest && isSame(newest, item)) return toItem(newest);
    try {
      return await this.add({ ...item, version: (newest?.version ?? 0) + 1 });
    } catch (error) {
      // Somebody else put the next version at the same time: this one comes after it.
      if (!violatedColumns(error)) throw error;
      return this.put(item);
    }
  }

  /** Throws DomainError `user-data-item-not-found`. */
  async get({ name, version }: ItemVersion): Promise<UserDataItem> {
    const found =
      version === null
        ? await this.newest(name)
        : await this.database.client.userDataItem.findUnique({ where: { name_version: { name, version } } });
    if (found) return toItem(found);
    const what = version === null ? name : `${name}@${version}`;
    throw new DomainError(
      'user-data-item-not-found',
      `There is no part ${what} in the library of user data.`,
      {
        remedy: 'List the library to see what there is, or put it there first.',
        context: { name, version },
      },
    );
  }

  /** All versions of it, the newest first. */
  async versions(name: string): Promise<UserDataItem[]> {
    const rows = await this.database.client.userDataItem.findMany({
      where: { name },
      orderBy: { version: 'desc' },
    });
    return rows.map(toItem);
  }

  /** The newest version of each, by name. */
  async list({ after, limit }: { after?: string; limit: number }): Promise<Page<UserDataItem>> {
    const rows = await this.database.client.userDataItem.findMany({
      where: { name: after === undefined ? undefined : { gt: after } },
      distinct: ['name'],
      orderBy: [{ name: 'asc' }, { version: 'desc' }],
      take: limit + 1,
    });
    return pageOf(rows.map(toItem), limit, ({ name }) => name);
  }

  /**
   * The parts with what they name in the library in its place. From then on they do not change when the library does: the version
   * is noted in each. Throws DomainError `user-data-item-not-found`.
   */
  async resolved(parts: readonly PartOrItem[]): Promise<UserDataPart[]> {
    return Promise.all(
      parts.map(async (part) => ('content' in part ? part : partOf(await this.get(part.item)))),
    );
  }

  /** One version, or all of them. Throws DomainError `user-data-item-not-found`, or `user-data-item-in-use` where defaults name it. */
  async remove({ name, version }: ItemVersion): Promise<void> {
    await this.get({ name, version });
    await this.database.client.$transaction(async (tx) => {
      await refuseReferred(tx, { name, version });
      await tx.userDataItem.deleteMany({ where: { name, ...(version !== null && { version }) } });
      const what = version === null ? name : `${name}@${version}`;
      const message = `The part ${what} was removed from the library of user data`;
      await tx.event.create({ data: this.event(message, { name, version }) });
    });
  }

  private newest(name: string): Promise<Row | null> {
    return this.database.client.userDataItem.findFirst({ where: { name }, orderBy: { version: 'desc' } });
  }

  private add(item: NewUserDataItem & { version: number }): Promise<UserDataItem> {
    return this.database.client.$transaction(async (tx) => {
      const row = await tx.userDataItem.create({ data: { ...item, createdAt: this.database.clock.now() } });
      const { name, version, createdBy } = item;
      const message = `${createdBy} put ${name}@${version} into the library of user data`;
      await tx.event.create({ data: this.event(message, { name, version }) });
      return toItem(row);
    });
  }

  private event(message: string, data: Record<string, unknown>) {
    return eventRow({ kind: 'user-data-item.changed', message, data }, this.database.clock.now());
  }
}

function toItem(row: Row): UserDataItem {
  return { ...row, type: row.type as UserDataType };
}

function isSame(one: Row, other: NewUserDataItem): boolean {
  const fields = ['type', 'content', 'template', 'mergeType', 'description'] as const;
  return fields.every((field) => one[field] === other[field]);
}

function partOf({ name, version, type, content, template, mergeType }: UserDataItem): UserDataPart {
  const part = { type, fileName: name, content, template, item: { name, version } };
  return mergeType === null ? part : { ...part, mergeType };
}
