import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { suggest } from './completion.js';
import { buildProgram } from './program.js';

const program = buildProgram(
  {
    env: {},
    stdin: Readable.from([]),
    stdout: { write: () => true },
    stderr: { write: () => true },
    now: () => new Date(0),
    sleep: async () => {},
    signal: new AbortController().signal,
  },
  '0',
);

async function suggested(line: string): Promise<string[] | 'files'> {
  const found = await suggest(program, line.split(' '), async (kind) => [{ name: `<${kind}>` }]);
  return found === 'files' ? found : found.map(({ name }) => name);
}

describe('completion', () => {
  it('knows the commands', async () => {
    expect(await suggested('')).toEqual(
      expect.arrayContaining([
        'machines',
        'power',
        'images',
        'instance-types',
        'instances',
        'watch',
        'events',
      ]),
    );
    expect(await suggested('')).not.toContain('completion-server');
  });

  it('knows the subcommands, of aliases too', async () => {
    expect(await suggested('machine ')).toContain('import');
  });

  it('knows options, with the global ones', async () => {
    expect(await suggested('machines list --')).toEqual(
      expect.arrayContaining(['--state', '--json', '--url']),
    );
  });

  it.each([
    ['machines show ', '<machine>'],
    ['power on ', '<machine>'],
    ['power-cycle ', '<instance>'],
    ['rebuild db1 --image ', '<image>'],
    ['machines maintenance ', '<machine>'],
    ['--url http://a watch ', '<instance>'],
    ['spawn db1 --image ', '<image>'],
    ['spawn db1 --image debian --instance-type ', '<instance-type>'],
    ['events --follow --machine ', '<machine>'],
  ])('asks the controller for the names in "%s"', async (line, name) => {
    expect(await suggested(line)).toEqual([name]);
  });

  it('knows the values that an option may have', async () => {
    expect(await suggested('machines list --state ')).toContain('inactive');
  });

  it.each([
    'machines import ',
    'images import ',
    'images list --token-file ',
    'spawn db1 --ssh-key ',
    'spawn db1 --user-data ',
  ])('leaves files to the shell in "%s"', async (line) => expect(await suggested(line)).toBe('files'));

  it('suggests nothing where nothing may follow', async () => {
    expect(await suggested('machines show m1 ')).toEqual([]);
  });
});
