import type { Image } from '#core';
import type { Database } from './database.js';
import { toImage } from './rows.js';

/** How images of one content are used. */
interface ContentUse {
  sha256: string;
  names: string[];
  /** One of them was sent, so that it cannot be fetched again. */
  isOriginal: boolean;
  /** An instance that is not deleted was made from it, or a pool is. */
  isInUse: boolean;
  unusedSince: Date;
}

/** What of an image follows from how it was packed. */
type Packed = Pick<Image, 'sha256' | 'chunksSha256' | 'compressedBytes' | 'dataBytes'>;

/** The catalogue of images as the cache of their files sees it: by content, with its use. */
export class ImageCacheStore {
  constructor(private readonly database: Database) {}

  async entries(): Promise<ContentUse[]> {
    return await this.database.client.$queryRaw<ContentUse[]>`
      WITH uses AS (
        SELECT image_id, bool_or(state <> 'deleted') AS lives, max(deleted_at) AS ended FROM instances
        WHERE image_id IS NOT NULL GROUP BY image_id
      )
      SELECT sha256, array_agg(name ORDER BY name) AS names, bool_or(source_url IS NULL) AS "isOriginal",
        bool_or(coalesce(lives, false) OR id IN (SELECT default_image_id FROM instance_types
          WHERE default_image_id IS NOT NULL)) AS "isInUse",
        max(greatest(images.created_at, last_used_at, ended)) AS "unusedSince"
      FROM images LEFT JOIN uses ON uses.image_id = images.id GROUP BY sha256`;
  }

  /** An image that is not there any more is none to note. */
  async used({ id }: Pick<Image, 'id'>): Promise<void> {
    const data = { lastUsedAt: this.database.clock.now() };
    await this.database.client.image.updateMany({ where: { id }, data });
  }

  async repacked({ id }: Pick<Image, 'id'>, packed: Packed): Promise<Image> {
    const { sha256, chunksSha256, compressedBytes, dataBytes } = packed;
    const data = { sha256, chunksSha256, compressedBytes, dataBytes };
    return toImage(await this.database.client.image.update({ where: { id }, data }));
  }
}
