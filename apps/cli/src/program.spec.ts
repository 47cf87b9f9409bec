import { describe, expect, it } from 'vitest';
import { runCaptured } from './captured-io.js';

describe('the command line', () => {
  it('documents its exit codes, variables and defaults', async () => {
    const { code, stdout } = await runCaptured(['--help']);
    expect(code).toBe(0);
    for (const text of [
      'Exit codes:',
      'DODAI_URL',
      'DODAI_TOKEN_FILE',
      '/var/lib/dodai/api-token',
      'Examples:',
    ]) {
      expect(stdout).toContain(text);
    }
  });

  it('tells its version', async () => {
    expect(await runCaptured(['--version'])).toEqual({ code: 0, stdout: '1.2.3\n', stderr: '' });
  });

  it.each([
    ['an unknown command', ['machnes'], 'unknown command'],
    ['an unknown option', ['machines', 'list', '--stat'], 'unknown option'],
    ['a missing argument', ['machines', 'show'], "missing required argument 'machine'"],
    ['an unknown state', ['machines', 'list', '--state', 'broken'], 'Allowed choices are enrolled'],
    ['a number that is none', ['machines', 'list', '--limit', 'ten'], 'not a whole number'],
    ['a label without a value', ['machines', 'set', 'm1', '--label', 'rack'], 'has the form key=value'],
    ['a missing option', ['spawn', 'db1', '--image', 'debian'], "required option '--instance-type <name>'"],
    [
      'an address that is none',
      ['machines', 'list', '--url', 'localhost'],
      'is not the address of a controller',
    ],
    ['a file that is missing', ['machines', 'import', '/nowhere.csv'], 'there is no such file'],
    ['a file of unknown kind', ['machines', 'import', '/etc/passwd'], 'Say --format csv or --format yaml'],
    ['no command at all', [], 'Usage: dodai'],
  ])('ends with 2 for %s', async (_what, args, said) => {
    const { code, stderr, stdout } = await runCaptured(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(said);
  });

  it('suggests the command that was meant', async () => {
    expect((await runCaptured(['machnes'])).stderr).toContain('Did you mean machines?');
  });

  it('has no option that takes the password of a BMC', async () => {
    const add = ['machines', 'add', 'm1', '--instance-type', 't', '--bmc-host', 'h', '--bmc-user', 'u'];
    const { code, stderr } = await runCaptured([...add, '--pxe-mac', 'm', '--bmc-password', 'secret']);
    expect(code).toBe(2);
    expect(stderr).toContain('unknown option');
  });

  it('says how to give the password of a BMC', async () => {
    const add = ['machines', 'add', 'm1', '--instance-type', 't', '--bmc-host', 'h', '--bmc-user', 'u'];
    const { code, stderr } = await runCaptured([...add, '--pxe-mac', 'm']);
    expect(code).toBe(2);
    expect(stderr).toContain('--bmc-password-file FILE');
  });

  it('says when nothing listens at the address', async () => {
    const { code, stderr } = await runCaptured(['machines', 'list', '--url', 'http://127.0.0.1:9']);
    expect(code).toBe(3);
    expect(stderr).toContain('Cannot reach the controller at http://127.0.0.1:9: ');
    expect(stderr).toContain('What to do: ');
  });

  it('reports errors as JSON when JSON is wanted', async () => {
    const { stderr } = await runCaptured(['machines', 'list', '--json', '--url', 'http://127.0.0.1:9']);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'controller-unreachable' } });
  });
});

it.each(['bash', 'zsh', 'fish'])('prints a completion script for %s', async (shell) => {
  const { code, stdout } = await runCaptured(['completion', shell]);
  expect(code).toBe(0);
  expect(stdout).toContain('dodai completion-server');
});
