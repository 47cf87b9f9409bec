import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StreamingProcesses } from '#platform';
import { ChunkWriter, type StoredForm } from '../../libs/images/src/stored/chunk-writer.js';

/** An image as the library has it, in a folder of its own. */
export class StoredImage {
  private constructor(
    readonly form: StoredForm,
    private readonly folder: string,
  ) {}

  /** @param content a file, or the bytes themselves */
  static async of(content: Buffer | string, { holes = true } = {}): Promise<StoredImage> {
    const folder = await mkdtemp(join(tmpdir(), 'dodai-stored-image-'));
    const file = typeof content === 'string' ? content : join(folder, 'content');
    if (typeof content !== 'string') await writeFile(file, content);
    const to = { chunks: join(folder, 'chunks'), list: join(folder, 'list') };
    const form = await new ChunkWriter(new StreamingProcesses()).write(file, to, { holes });
    return new StoredImage(form, folder);
  }

  get files(): { chunks: string; list: string } {
    return { chunks: join(this.folder, 'chunks'), list: join(this.folder, 'list') };
  }

  /** What create.sh is told of it. */
  variables(url: string): Record<string, string> {
    return {
      IMAGE_URL: `${url}/image`,
      IMAGE_CHUNKS_URL: `${url}/image/chunks`,
      IMAGE_CHUNKS_SHA256: this.form.chunksSha256,
      IMAGE_COMPRESSED_BYTES: String(this.form.compressedBytes),
      IMAGE_UNCOMPRESSED_BYTES: String(this.form.uncompressedBytes),
      IMAGE_DATA_BYTES: String(this.form.dataBytes),
    };
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
