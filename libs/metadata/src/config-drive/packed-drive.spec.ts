import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { unpackedDrive } from './packed-drive.js';

const packed = (data: Buffer) => gzipSync(data).toString('base64');
const mib = 1024 * 1024;

describe('a ready-made config drive', () => {
  it('is unpacked, with line ends in its base64 too', async () => {
    const image = Buffer.alloc(100_000, 'content');
    const lines = packed(image).match(/.{1,76}/g) ?? [];
    expect(await unpackedDrive(`${lines.join('\n')}\n`)).toEqual(image);
  });

  it('may have 64 MiB, and no more of it is ever unpacked', async () => {
    expect(await unpackedDrive(packed(Buffer.alloc(64 * mib)))).toHaveLength(64 * mib);
    await expect(unpackedDrive(packed(Buffer.alloc(64 * mib + 1)))).rejects.toMatchObject({
      code: 'invalid-request',
      message: 'the config drive is larger than the 64 MiB that it may have',
      context: { field: 'configDrive' },
    });
  });

  it.each([
    ['is empty', '', 'is not base64'],
    ['has what base64 does not', '{"not": "base64"}', 'is not base64'],
    ['was cut off within base64', 'H4sIAAAAAAAAA', 'is not base64'],
    ['is not packed', Buffer.from('CD001').toString('base64'), 'is not packed with gzip'],
    ['was cut off', packed(Buffer.from('content')).slice(0, 24), 'cannot be unpacked'],
  ])('is refused with the cause and the remedy when it %s', async (_, given, why) => {
    await expect(unpackedDrive(given)).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringContaining(why),
      remedy: expect.stringContaining('gzip -c config-drive.iso | base64 --wrap=0'),
      context: { field: 'configDrive' },
    });
  });
});
