import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { connectionOf } from './connection.js';

const folder = mkdtempSync(join(tmpdir(), 'dodai-cli-'));
const file = join(folder, 'api-token');
const nowhere = join(folder, 'missing');
writeFileSync(file, 'from-file\n');
afterAll(() => rmSync(folder, { recursive: true }));

describe('the connection', () => {
  it('goes to this host without a token when nothing is said', () => {
    expect(connectionOf({}, {}, nowhere)).toEqual({ url: 'http://127.0.0.1:7071', token: undefined });
  });

  it('takes the token file of a controller on this host when it can be read', () => {
    expect(connectionOf({}, {}, file).token).toBe('from-file');
  });

  it.each([
    ['--token', { token: 'a', tokenFile: file }, { DODAI_TOKEN: 'b' }, 'a'],
    ['--token-file', { tokenFile: file }, { DODAI_TOKEN: 'b' }, 'from-file'],
    ['DODAI_TOKEN', {}, { DODAI_TOKEN: 'b', DODAI_TOKEN_FILE: file }, 'b'],
    ['DODAI_TOKEN_FILE', {}, { DODAI_TOKEN: '', DODAI_TOKEN_FILE: file }, 'from-file'],
  ])('takes the token of %s before what comes after it', (_name, options, env, token) => {
    expect(connectionOf(options, env, nowhere).token).toBe(token);
  });

  it('takes --url before DODAI_URL', () => {
    const env = { DODAI_URL: 'http://b:1' };
    expect([
      connectionOf({ url: 'http://a:1' }, env, nowhere).url,
      connectionOf({}, env, nowhere).url,
    ]).toEqual(['http://a:1', 'http://b:1']);
  });

  it.each(['', 'ftp://a', 'a:7071', '//a'])('refuses the address "%s"', (url) => {
    if (url === '') return expect(connectionOf({ url }, {}, nowhere).url).toBe('http://127.0.0.1:7071');
    expect(() => connectionOf({ url }, {}, nowhere)).toThrow('is not the address of a controller');
  });

  it('says which token file cannot be read', () => {
    expect(() => connectionOf({ tokenFile: nowhere }, {}, file)).toThrow(
      `Cannot read ${nowhere}: there is no`,
    );
  });
});
