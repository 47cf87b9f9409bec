import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AnswerFile, type AnswerFormat, answerFormats } from '#core';
import { loadConfig } from '#platform';
import { sampleAnswerValues } from '#provisioning';
import { answersFrom } from '../support/install-methods.js';

const config = loadConfig({ DODAI_DATA_DIR: '/nonexistent' });
const files = answersFrom(['127.0.0.1']);
const render = (file: AnswerFile) => files.render(file, sampleAnswerValues(file.format, config));
const own = (format: AnswerFormat, text: string) => render({ format, text });

describe('an answer file', () => {
  it.each(answerFormats)(
    'of ours for %s has no faults, and calls us at the beginning and the end',
    async (format) => {
      const text = await render({ format, text: null });
      expect(text).toContain('installer.sh; do sleep 5; done; sh /run/dodai.sh begin');
      expect(text).toContain('sh /run/dodai.sh finish');
    },
  );

  it('of an owner has the values of the instance, as they are', async () => {
    const text =
      'd-i x/a string {{ hostName }} {{ nics[0].mac }}\nd-i preseed/early_command string {{ dodai.begin }}; true\n';
    expect(await own('preseed', text)).toMatch(
      /^d-i x\/a string host1 52:54:00:00:00:01\nd-i preseed\/early_command string until wget -q -T 20 -O \/run\/dodai\.sh http\S+; do sleep 5; done; sh \/run\/dodai\.sh begin; true\n$/,
    );
  });

  const yaml = (autoinstall: string) => `#cloud-config\nautoinstall:\n${autoinstall}`;

  it.each<[AnswerFormat, string, string]>([
    ['preseed', 'd-i a/b string c\nd-i oops\n', "line 2: parse error on line 2: 'd-i oops'"],
    ['preseed', 'd-i a/b text-box c\n', 'line 1: Unknown type text-box'],
    [
      'preseed',
      'd-i a/b string {{ hostname }}\n',
      'line 1, column 19: there is no value hostname; known are ',
    ],
    ['preseed', 'd-i a/b string {{ dodai.beginn }}\n', 'there is no value dodai.beginn'],
    ['autoinstall', yaml('  version: 2\n'), 'autoinstall.version: must be 1'],
    ['autoinstall', yaml('  version: 1\n  late-commands: reboot\n'), 'autoinstall.late-commands: '],
    ['autoinstall', '#cloud-config\npackages: {}\n', ''],
    ['autoinstall', '#cloud-config\nautoinstall: [\n', 'line'],
    [
      'kickstart',
      'text\n%packages\n@core\n%post\ntrue\n%end\n',
      'line 2: %packages has no %end before %post',
    ],
    ['kickstart', 'text\n%posst\ntrue\n', 'line 2: there is no section %posst'],
    ['kickstart', 'text\n%end\n', 'line 2: %end ends no section'],
    ['kickstart', '%pre\n', 'line 1: %pre has no %end'],
    ['autoyast', '<profile>\n<general>\n</profile>\n', 'line 3: '],
  ])('for %s is refused when it is %j', async (format, text, message) => {
    await expect(own(format, text)).rejects.toMatchObject({ message: expect.stringContaining(message) });
  });
});

describe('an answer file at a URL', () => {
  let server: Server;
  let url = '';
  let text = '';
  let status = 200;

  beforeAll(async () => {
    server = createServer((_, response) => response.writeHead(status).end(text));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/preseed.cfg`;
  });
  afterAll(() => server.close());

  const file = () => ({ format: 'preseed', url }) as const;

  it('is fetched each time that it is needed, and filled in', async () => {
    for (const name of ['first', 'second']) {
      text = `d-i ${name}/host string {{ hostName }}\n`;
      expect(await render(file())).toBe(`d-i ${name}/host string host1\n`);
    }
  });

  it('is refused when it is longer than any, or has faults', async () => {
    text = '#'.repeat(256 * 1024 + 1);
    await expect(render(file())).rejects.toMatchObject({
      code: 'answer-file-invalid',
      message: expect.stringContaining('256 KiB'),
    });
    text = 'd-i oops\n';
    await expect(render(file())).rejects.toMatchObject({ code: 'answer-file-invalid' });
  });

  it('that is not there is an error that may pass', async () => {
    status = 404;
    await expect(render(file())).rejects.toMatchObject({ code: 'image-download-failed', retryable: true });
  });

  it('is fetched from nowhere that the site has not allowed', async () => {
    const values = sampleAnswerValues('preseed', config);
    await expect(answersFrom([]).render(file(), values)).rejects.toMatchObject({ code: 'image-url-refused' });
  });
});
