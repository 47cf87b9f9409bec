import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { UserDataPart } from '#core';
import { beforeAll, describe, expect, it } from 'vitest';
import { multipart } from './mime-writing.js';
import { checkUserData, checkUserDataParts } from './check-user-data.js';
import { CloudConfigSchema } from './cloud-config/cloud-config-schema.js';
import { findingInWords } from './finding.js';
import { sampleContext } from './sample-context.js';

/** As newer releases of cloud-init have it: draft-07, unknown keys forbidden, deprecations with their version. */
const newerSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  $defs: {
    cc_users: {
      type: 'object',
      properties: {
        users: {
          type: 'array',
          items: {
            oneOf: [
              { type: 'string' },
              {
                type: 'object',
                required: ['name'],
                additionalProperties: false,
                properties: {
                  name: { type: 'string' },
                  uid: {
                    oneOf: [
                      { type: 'integer' },
                      {
                        type: 'string',
                        deprecated: true,
                        deprecated_version: '22.3',
                        deprecated_description: 'Use an integer instead.',
                      },
                    ],
                  },
                },
              },
            ],
          },
        },
      },
    },
  },
  allOf: [{ $ref: '#/$defs/cc_users' }],
};

let schema: CloudConfigSchema;
beforeAll(() => {
  schema = new CloudConfigSchema(newerSchema);
});

async function found(bytes: Buffer | string) {
  const base64 = Buffer.from(bytes).toString('base64');
  const { faults, warnings } = await checkUserData({ kind: 'own', base64 }, schema, sampleContext());
  return { faults: faults.map(findingInWords), warnings: warnings.map(findingInWords) };
}

const part = (more: Partial<UserDataPart>): UserDataPart => ({
  type: 'text/x-shellscript',
  fileName: 'a',
  content: '#!/bin/sh\n',
  template: false,
  ...more,
});

const foundIn = async (...parts: Partial<UserDataPart>[]) =>
  (await checkUserDataParts(parts.map(part), schema, sampleContext())).faults.map(findingInWords);

const message = (...lines: string[]) =>
  ['MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary="b"', '', ...lines, ''].join('\n');

describe('own user data that cloud-init takes', () => {
  it.each<[string, Buffer | string]>([
    ['cloud-config', '#cloud-config\nusers: [{name: ann, uid: 1000}, bob]\n'],
    ['a script in another language', '#!/bin/sh\necho こんにちは\n'],
    ['gzip', gzipSync('#cloud-config\nusers: []\n')],
    ['a script that mentions MIME', '#!/bin/sh\n\n# MIME-Version: 1.0\n'],
    ['URLs', '#include https://a.example/x\n# not this one\n\nfile:///etc/x\n'],
    ['a hook', '#cloud-boothook\n#!/bin/sh\n'],
    ['a template of its own', '## template: jinja\n#cloud-config\nusers: [{{ v1.user }}]\n'],
    ['a JSON patch', '#cloud-config-jsonp\n[{"op": "add", "path": "/a", "value": 1}]\n'],
    [
      'an archive',
      '#cloud-config-archive\n- "#!/bin/sh"\n- {type: text/cloud-config, content: "users: [a]"}\n',
    ],
    ['MIME', message('--b', 'Content-Type: text/cloud-config', '', 'users: [ann]', '--b--')],
    ['MIME whose parts say by themselves what they are', message('--b', '', '#!/bin/sh', '--b--')],
    [
      'MIME with gzip in it',
      message(
        '--b',
        'Content-Type: application/gzip',
        'Content-Transfer-Encoding: base64',
        '',
        gzipSync('#!/bin/sh\n').toString('base64'),
        '--b--',
      ),
    ],
  ])('%s', async (_what, bytes) => {
    expect(await found(bytes)).toEqual({ faults: [], warnings: [] });
  });
});

describe('own user data is refused that', () => {
  it.each<[string, Buffer | string, string]>([
    ['is empty', '', 'is empty'],
    ['is nothing known', 'hello\n', 'line 1, column 1: begins like nothing that cloud-init knows'],
    ['begins with a byte order mark', '\u{feff}#cloud-config\n', 'byte order mark'],
    [
      'is not UTF-8',
      Buffer.from([...Buffer.from('#!/bin/sh\n# ab'), 0xe4, 0x0a]),
      'line 2, column 5: is not text in UTF-8',
    ],
    ['has a NUL', '#!/bin/sh\n\0', 'line 2, column 1: has a NUL character'],
    ['is torn gzip', gzipSync('#!/bin/sh\n').subarray(0, 15), 'gzip that cannot be unpacked'],
    [
      'is too large',
      `#!/bin/sh\n${'#'.repeat(65_536)}`,
      'has 65546 bytes as it is sent; at most 65536 are taken',
    ],
    ['includes no URL', '#include\nhttps://a/\nwww.example.com\n', 'line 3: "www.example.com" is no URL'],
    ['includes nothing', '#include\n', 'includes nothing'],
    [
      'is a hook that nothing runs',
      '#cloud-boothook\necho\n',
      'does not begin with #! after #cloud-boothook',
    ],
    [
      'is a template of nothing',
      '## template: jinja\nhello\n',
      'line 2: does not say what it is a template of',
    ],
    ['is no JSON patch', '#cloud-config-jsonp\n{}\n', 'is no JSON patch'],
    ['is an archive of no list', '#cloud-config-archive\na: 1\n', 'is no list'],
    [
      'has a fault in an archive',
      '#cloud-config-archive\n- "#!/bin/sh"\n- type: text/x-shellscript\n  content: echo\n',
      'entry 2 at line 3, line 1, column 1: is a script',
    ],
    [
      'is cloud-config with a fault',
      '#cloud-config\nusers:\n- {uid: 7}\n',
      'line 3, column 3, users[0]: needs name',
    ],
    ['does not begin with what it is', '\n#cloud-config\nusers: []\n', 'has something before #cloud-config'],
    [
      'names no boundary',
      'MIME-Version: 1.0\nContent-Type: multipart/mixed\n\nhello\n',
      'is broken MIME: multipart/mixed names no boundary',
    ],
    [
      'is MIME of nothing known',
      'MIME-Version: 1.0\n\nhello\n',
      'part 1, line 1, column 1: begins like nothing',
    ],
    [
      'is MIME that does not say so',
      'Content-Type: multipart/mixed; boundary="b"\n\n--b\n\n#!/bin/sh\n--b--\n',
      'has no header MIME-Version: 1.0',
    ],
    ['has no part', message('hello'), 'no part begins with the boundary --b'],
    ['has no end', message('--b', '', '#!/bin/sh'), 'does not end with --b--'],
    [
      'has what is no base64',
      message('--b', 'Content-Transfer-Encoding: base64', '', '#!/bin/sh', '--b--'),
      'is not the base64',
    ],
    [
      'has an unknown encoding',
      message('--b', 'Content-Transfer-Encoding: rot13', '', 'x', '--b--'),
      'the unknown Content-Transfer-Encoding rot13',
    ],
    [
      'has a part that nothing handles',
      message('--b', 'Content-Type: image/png', '', 'x', '--b--'),
      'part 1: is image/png',
    ],
    [
      'has a fault in a part',
      message(
        '--b',
        '',
        '#!/bin/sh',
        '--b',
        'Content-Type: text/cloud-config; name="u.cfg"',
        '',
        'users: 7',
        '--b--',
      ),
      'part 2 (u.cfg), line 1, column 8, users: must be a list, and is 7',
    ],
  ])('%s', async (_what, bytes, fault) => {
    const { faults } = await found(bytes);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(fault);
  });

  it('nests without end', async () => {
    let bytes: Buffer = Buffer.from('#!/bin/sh\n');
    for (let depth = 0; depth < 8; depth += 1)
      bytes = Buffer.from(
        message(
          '--b',
          'Content-Type: application/gzip',
          'Content-Transfer-Encoding: base64',
          '',
          gzipSync(bytes).toString('base64'),
          '--b--',
        ),
      );
    expect((await found(bytes)).faults).toEqual([
      expect.stringContaining('parts within parts more than 4 deep'),
    ]);
  });

  it('means a billion laughs', async () => {
    const lines = Array.from(
      { length: 12 },
      (_, n) =>
        `a${n}: &a${n} [${Array(9)
          .fill(n === 0 ? 'x' : `*a${n - 1}`)
          .join(', ')}]`,
    );
    expect((await found(`#cloud-config\n${lines.join('\n')}\n`)).faults).toEqual([
      expect.stringContaining('is no YAML that can be used'),
    ]);
  });
});

describe('what works all the same is warned of:', () => {
  it.each<[string, string, string]>([
    [
      'a deprecated form',
      '#cloud-config\nusers: [{name: a, uid: "7"}]\n',
      'users[0].uid: is deprecated since 22.3: Use an integer instead.',
    ],
    [
      'a key that nothing reads',
      '#cloud-config\nuser_s: [a]\n',
      'line 2, column 1, user_s: is nothing that a module of cloud-init reads',
    ],
    [
      'a key that stands twice',
      '#cloud-config\nusers: [a]\nusers: [b]\n',
      'line 3, column 1, users: stands here again',
    ],
    ['what cloud-init spoils', '#!/bin/sh\n# MIME-Version: ü\n', 'spoils characters outside ASCII'],
    ['a job for Upstart', '#upstart-job\nstart on x\n', 'it has no effect'],
    [
      'a handler without its functions',
      '#part-handler\ndef list_types():\n  pass\n',
      'has no function handle_part',
    ],
  ])('%s', async (_what, text, warning) => {
    const { faults, warnings } = await found(text);
    expect({ faults, warnings }).toEqual({ faults: [], warnings: [expect.stringContaining(warning)] });
  });

  it('a part that only an own handler can know', async () => {
    const handler = '#part-handler\ndef list_types():\n  pass\ndef handle_part():\n  pass';
    const parts = message(
      '--b',
      'Content-Type: text/part-handler',
      '',
      handler,
      '--b',
      'Content-Type: image/png',
      '',
      'x',
      '--b--',
    );
    expect(await found(parts)).toEqual({
      faults: [],
      warnings: [expect.stringContaining('part 2: is image/png')],
    });
  });
});

describe('of parts', () => {
  it.each<[string, Partial<UserDataPart>[], string]>([
    ['a script is one', [{ content: 'echo\n' }], 'part 1 (a), line 1, column 1: is a script'],
    [
      'none is empty',
      [{ content: '#!/bin/sh\n' }, { fileName: 'b', content: ' \n', type: 'text/x-include-url' }],
      'part 2 (b): is empty',
    ],
    ['a file name is no path', [{ fileName: '../a' }], 'has a file name that is none'],
    ['a merge type is one', [{ mergeType: 'list[append]' }], 'has the merge type "list[append]"'],
    [
      'a value has a known name',
      [{ template: true, content: '#!/bin/sh\n{{ name }}\n' }],
      'part 1 (a), line 2, column 4: there is no value name',
    ],
    [
      'lines are those that were written',
      [{ type: 'text/cloud-config', content: 'users:\n- name: 7\n' }],
      'part 1 (a), line 2, column 9, users[0].name: must be text, and is 7',
    ],
  ])('%s', async (_what, parts, fault) => {
    expect(await foundIn(...parts)).toContainEqual(expect.stringContaining(fault));
  });

  it('all together are not too large, as they are sent', async () => {
    const checked = async (content: string) =>
      checkUserData({ kind: 'parts', parts: [part({ content })] }, schema, sampleContext());
    expect((await checked(`#!/bin/sh\n${'# again\n'.repeat(20_000)}`)).faults).toEqual([]);
    const noise = Array.from({ length: 8000 }, (_, n) =>
      createHash('sha256').update(String(n)).digest('hex'),
    );
    expect((await checked(`#!/bin/sh\n# ${noise.join('\n# ')}\n`)).faults).toMatchObject([
      { part: null, message: expect.stringContaining('bytes as it is sent; at most 65536 are taken') },
    ]);
  });

  it('values are filled in before a part is looked at', async () => {
    const content = '#cloud-config\nusers: [{{ metadata.owner }}, {{ hostName }}]\n';
    expect(await foundIn({ type: 'text/cloud-config', template: true, content })).toEqual([]);
  });

  it('what is written is found to be without fault when it is read', async () => {
    const parts = [part({}), part({ type: 'text/cloud-config', fileName: '設定', content: 'users: [ü]\n' })];
    expect(await found(await multipart(parts))).toEqual({ faults: [], warnings: [] });
  });
});
