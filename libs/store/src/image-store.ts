import { randomUUID } from 'node:crypto';
import { DomainError, type Image, type ImageInstall } from '#core';
import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { type Page, pageOf } from './page.js';
import { toImage } from './rows.js';
import { isForeignKeyViolation, violatedColumns } from './unique-violation.js';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The catalogue of images; their files are libs/images' business. */
export class ImageStore {
  constructor(private readonly database: Database) {}

  /** Throws DomainError `image-duplicate`. */
  async create(image: Omit<Image, 'id' | 'createdAt'>): Promise<Image> {
    try {
      const data = {
        ...image,
        id: randomUUID(),
        ...foundAsJson(image),
        ...installAsJson(image.install),
      };
      return toImage(await this.database.client.image.create({ data }));
    } catch (error) {
      if (!violatedColumns(error)) throw error;
      throw new DomainError('image-duplicate', `There is already an image named ${image.name}.`, {
        remedy: 'Choose another name, or delete that image first.',
        context: { field: 'name' },
      });
    }
  }

  /** By id or name. Throws DomainError `image-not-found`. */
  async find(idOrName: string): Promise<Image> {
    const where = uuid.test(idOrName) ? { id: idOrName } : { name: idOrName };
    const row = await this.database.client.image.findUnique({ where });
    if (row) return toImage(row);
    throw new DomainError('image-not-found', `There is no image ${idOrName}.`, {
      remedy: 'List the images to see what there is, or import it first.',
      context: { field: 'image' },
    });
  }

  async byIds(ids: string[]): Promise<Image[]> {
    return (await this.database.client.image.findMany({ where: { id: { in: ids } } })).map(toImage);
  }

  async list(filter: { after?: string; limit: number }): Promise<Page<Image>> {
    const rows = await this.database.client.image.findMany({
      where: { name: filter.after === undefined ? undefined : { gt: filter.after } },
      orderBy: { name: 'asc' },
      take: filter.limit + 1,
    });
    return pageOf(rows.map(toImage), filter.limit, (image) => image.name);
  }

  /** What was found when it was looked into anew. Throws DomainError `image-not-found`. */
  async redescribe({ id }: Image, found: Pick<Image, 'description' | 'findings'>): Promise<Image> {
    await this.database.client.image.updateMany({ where: { id }, data: foundAsJson(found) });
    return await this.find(id);
  }

  /** How it is installed from now on. Throws the same. */
  async setInstall({ id }: Image, install: ImageInstall | null): Promise<Image> {
    await this.database.client.image.updateMany({ where: { id }, data: installAsJson(install) });
    return await this.find(id);
  }

  /** Whether any image still has its content in the file of this digest. */
  async usesFile(sha256: string): Promise<boolean> {
    return (await this.database.client.image.count({ where: { sha256 } })) > 0;
  }

  /** Throws DomainError `image-in-use` while an instance that is not deleted was made from it. */
  async remove(image: Image): Promise<void> {
    await this.database.client
      .$transaction(async (tx) => {
        const users = await tx.instance.count({ where: { imageId: image.id, state: { not: 'deleted' } } });
        if (users > 0) throw inUse(image, `${users} instance(s)`, 'Destroy those instances first.');
        const types = await tx.instanceType.findMany({ where: { defaultImageId: image.id } });
        if (types.length > 0) throw isDefaultOf(image, types);
        await tx.instance.updateMany({ where: { imageId: image.id }, data: { imageId: null } });
        await tx.image.delete({ where: { id: image.id } });
      })
      .catch((error: unknown) => {
        throw isForeignKeyViolation(error)
          ? inUse(image, 'something that was made just now', 'Look again.')
          : error;
      });
  }
}

function foundAsJson({ description, findings }: Pick<Image, 'description' | 'findings'>) {
  return {
    description: description === null ? Prisma.DbNull : (description as unknown as Prisma.InputJsonObject),
    findings: findings as unknown as Prisma.InputJsonArray,
  };
}

function installAsJson(install: ImageInstall | null) {
  return { install: install === null ? Prisma.DbNull : (install as unknown as Prisma.InputJsonObject) };
}

function isDefaultOf(image: Image, types: { name: string }[]): DomainError {
  const names = types.map(({ name }) => name).join(', ');
  return inUse(image, `the pool of ${names}`, 'Give those instance types another default image, or none.');
}

function inUse(image: Image, users: string, remedy: string): DomainError {
  return new DomainError('image-in-use', `The image ${image.name} is in use by ${users}.`, { remedy });
}
