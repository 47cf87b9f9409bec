import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fileContent, toNetascii } from './content.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dodai-content-'));
  await writeFile(join(directory, 'file'), '0123456789');
});
afterAll(() => rm(directory, { recursive: true }));

describe('the content of a file', () => {
  it('is read by offset', async () => {
    const content = await fileContent(join(directory, 'file'));
    expect(content?.sizeBytes).toBe(10);
    expect(String(await content?.read(3, 4))).toBe('3456');
    await content?.close?.();
  });

  it.each(['missing', 'file/below', '.'])('is null for what is no regular file: %s', async (name) => {
    expect(await fileContent(join(directory, name))).toBeNull();
  });
});

it('writes line ends as netascii does', () => {
  expect(toNetascii(Buffer.from('a\nb\rc')).toString()).toBe('a\r\nb\r\0c');
});
