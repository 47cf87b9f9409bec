import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InstanceConfiguration, UserData, UserDataPart, UserDataType } from '#core';
import { instanceData } from '#metadata';
import { describedInstance } from '#testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cloudInitParts, type HandledPart } from '../support/cloud-init-judge.js';

const instance = (configuration: Partial<InstanceConfiguration>) =>
  describedInstance({ metadata: { rack: 'r7' }, launchIndex: 3, ...configuration });

const part = (type: UserDataType, content: string, more: Partial<UserDataPart> = {}): UserDataPart => ({
  type,
  fileName: 'part',
  content,
  template: false,
  ...more,
});

const sent = async (userData: UserData) => (await instanceData(instance({ userData }))).userData!;
const sentParts = async (...parts: UserDataPart[]) => sent({ kind: 'parts', parts });

/** What cloud-init's handlers are given. */
async function handled(...parts: UserDataPart[]): Promise<HandledPart[]> {
  const [told] = await cloudInitParts([await sentParts(...parts)]);
  return told!;
}

/** Of a type that is handed to a handler as it is: what is included or taken out of an archive is not. */
const handedOn: [UserDataType, string][] = [
  ['text/cloud-config', '#cloud-config\npackages: [a]\n'],
  ['text/x-shellscript', '#!/bin/sh\necho 日本 ü \\ " \' \t\r\necho\n'],
  ['text/x-shellscript-per-boot', '#!/bin/sh\necho boot'],
  ['text/x-shellscript-per-instance', '#!/bin/sh\necho instance\n\n\n'],
  ['text/x-shellscript-per-once', '#!/usr/bin/env python3\nprint("once")\n'],
  ['text/cloud-boothook', '#cloud-boothook\n#!/bin/sh\necho hook\n'],
  ['text/upstart-job', '#upstart-job\nstart on foo\n'],
  ['text/part-handler', '#part-handler\ndef list_types():\n    return []\ndef handle_part(*_):\n    pass\n'],
  ['text/jinja2', '## template: jinja\n#!/bin/sh\necho {{ v1.local_hostname }}\n'],
];

let folder: string;
let included: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dodai-included-'));
  included = join(folder, 'script');
  await writeFile(included, '#!/bin/sh\necho included\n');
});
afterAll(() => rm(folder, { recursive: true }));

describe('cloud-init reads back, byte for byte,', () => {
  it('parts of all types in one message', async () => {
    const parts = handedOn.map(([type, content], index) =>
      part(type, content, { fileName: `part-${index}` }),
    );
    expect(await handled(...parts)).toEqual(
      parts.map(({ type, fileName, content }) => ({ type, fileName, content, mergeType: null })),
    );
  });

  it.each(handedOn)('a single part of %s', async (type, content) => {
    expect(await handled(part(type, content))).toEqual([expect.objectContaining({ type, content })]);
  });

  it('a single part that mentions a header by which it takes texts for MIME', async () => {
    const content = '#!/bin/sh\nprintf "MIME-Version: 1.0\\n"\n';
    expect(await handled(part('text/x-shellscript', content))).toEqual([
      expect.objectContaining({ type: 'text/x-shellscript', content }),
    ]);
  });

  it('file names in other languages, and how a part is merged', async () => {
    const mergeType = 'list(append)+dict(recurse_array)+str()';
    const fileName = '設定 "1".cfg';
    expect(await handled(part('text/cloud-config', 'packages: [a]\n', { fileName, mergeType }))).toEqual([
      { type: 'text/cloud-config', content: 'packages: [a]\n', fileName, mergeType },
    ]);
  });

  it('each of those that have the same file name under one of its own', async () => {
    const scripts = ['a', 'b', 'c'].map((word) => part('text/x-shellscript', `#!/bin/sh\necho ${word}\n`));
    expect((await handled(...scripts)).map(({ fileName }) => fileName)).toEqual(['part', 'part-2', 'part-3']);
  });

  it('what is so large that it is compressed', async () => {
    const content = `#!/bin/sh\n${'echo again and again\n'.repeat(5_000)}`;
    const bytes = await sentParts(part('text/x-shellscript', content));
    expect(bytes.subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
    expect(bytes.length).toBeLessThan(content.length / 10);
    expect((await cloudInitParts([bytes]))[0]).toEqual([expect.objectContaining({ content })]);
  });

  it('what the OS itself runs for us, after what the site has it run', async () => {
    const vendorData = [part('text/x-shellscript', '#!/bin/sh\n', { fileName: 'vendor.sh' })];
    const settlingScript = '#!/bin/bash\necho settled\n';
    const { vendorData: bytes } = await instanceData({ ...instance({ vendorData }), settlingScript });
    const { vendorData: alone } = await instanceData({ ...instance({}), settlingScript });
    const [both, one] = await cloudInitParts([bytes!, alone!]);
    expect(both).toMatchObject([
      { fileName: 'vendor.sh' },
      { type: 'text/x-shellscript', content: settlingScript, fileName: 'zz-dodai.sh' },
    ]);
    expect(one).toMatchObject([{ type: 'text/x-shellscript', content: settlingScript }]);
  });

  it('vendor data, which is text in JSON', async () => {
    const vendorData = [part('text/x-shellscript', '#!/bin/sh\n', { fileName: 'vendor.sh' })];
    const passwordHash = '$6$salt$hash';
    const { vendorData: bytes } = await instanceData(instance({ vendorData, passwordHash }));
    const text = JSON.parse(JSON.stringify(bytes!.toString())) as string;
    const [told] = await cloudInitParts([Buffer.from(text)]);
    expect(told).toMatchObject([
      { type: 'text/x-shellscript', content: '#!/bin/sh\n', fileName: 'vendor.sh' },
      {
        type: 'text/cloud-config',
        content: '#cloud-config\npassword: $6$salt$hash\nchpasswd:\n  expire: false\nssh_pwauth: true\n',
      },
    ]);
  });
});

it('cloud-init reads a script that mentions MIME as one, and spoils what is not ASCII', async () => {
  const scripts = ['#!/bin/sh\n\n# MIME-Version: 1.0\n', '#!/bin/sh\n# MIME-Version: ü\n'];
  const [plain, spoilt] = await cloudInitParts(scripts.map((script) => Buffer.from(script)));
  expect(plain).toMatchObject([{ type: 'text/x-shellscript', content: scripts[0] }]);
  expect(spoilt?.[0]?.content).not.toBe(scripts[1]);
});

describe('cloud-init follows', () => {
  it.each(['text/x-include-url', 'text/x-include-once-url'] as const)('%s', async (type) => {
    const parts = [
      part('text/cloud-config', 'packages: [a]\n'),
      part(type, `file://${included}\n`, { fileName: 'b' }),
    ];
    expect(await handled(...parts)).toMatchObject([
      { type: 'text/cloud-config' },
      { type: 'text/x-shellscript', content: '#!/bin/sh\necho included\n' },
    ]);
    expect(await handled(parts[1]!)).toMatchObject([{ content: '#!/bin/sh\necho included\n' }]);
  });

  it('an archive', async () => {
    const content = '- |\n  #!/bin/sh\n  echo\n- {type: text/cloud-config, content: "a: 1", filename: x}\n';
    const expected = [
      { type: 'text/x-shellscript', content: '#!/bin/sh\necho\n' },
      { type: 'text/cloud-config', content: 'a: 1', fileName: 'x' },
    ];
    const archive = part('text/cloud-config-archive', content);
    expect(await handled(archive)).toMatchObject(expected);
    expect(await handled(archive, part('text/x-shellscript', '#!/bin/sh\n'))).toMatchObject([
      ...expected,
      { type: 'text/x-shellscript', content: '#!/bin/sh\n' },
    ]);
  });
});

describe('what is sent', () => {
  it('is the own bytes of the owner, untouched', async () => {
    const bytes = Buffer.from([0x23, 0x21, 0x0d, 0x0a, 0xff, 0x00, 0x7b, 0x7b]);
    expect(await sent({ kind: 'own', base64: bytes.toString('base64') })).toEqual(bytes);
  });

  it('is a single script as it was written, with nothing around it', async () => {
    const content = '#!/bin/sh\necho {{ hostName }}\n';
    expect((await sentParts(part('text/x-shellscript', content))).toString()).toBe(content);
  });

  it('is the same every time', async () => {
    const parts = handedOn.map(([type, content], index) =>
      part(type, content, { fileName: `part-${index}` }),
    );
    expect(await sentParts(...parts)).toEqual(await sentParts(...parts));
  });

  it('has the values of the instance where a part asks for them', async () => {
    const content =
      '#!/bin/sh\necho {{ hostName }} {{ localIpv4 }} {{ managementIp }} {{ deviceType }} {{ launchIndex }} {{ metadata.rack }} {{ nics[0].mac }}\n';
    expect(await handled(part('text/x-shellscript', content, { template: true }))).toMatchObject([
      { content: '#!/bin/sh\necho web-1 10.10.0.21 10.10.0.21 baremetal.small 3 r7 52:54:00:00:00:01\n' },
    ]);
  });

  it('may not be more than 64 KiB', async () => {
    const own = Buffer.alloc((64 << 10) + 1, '#!').toString('base64');
    await expect(sent({ kind: 'own', base64: own })).rejects.toMatchObject({ code: 'user-data-too-large' });
  });
});
