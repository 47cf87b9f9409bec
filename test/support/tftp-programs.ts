import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { execa } from 'execa';

interface Fetch {
  host: string;
  port: number;
  remote: string;
  /** Where the file goes. */
  local: string;
}

export interface TftpProgram {
  name: string;
  fetch: (what: Fetch) => Promise<unknown>;
  /** It cannot take a loss, whoever serves it. */
  needsEveryPacket?: true;
}

const timeout = 30_000;
const run = (file: string, ...args: string[]) => execa(file, args, { timeout });
const require = createRequire(import.meta.url);

/** The clients that operators and loaders are made of, each as it is used in practice. */
export const tftpPrograms: TftpProgram[] = [
  {
    name: 'tftp-hpa',
    fetch: async ({ host, port, remote, local }) => {
      const { stdout } = await run('tftp', '-m', 'binary', host, String(port), '-c', 'get', remote, local);
      if (stdout.includes('Error code')) throw new Error(stdout); // it exits 0 whatever happens
    },
  },
  {
    name: 'curl',
    fetch: ({ host, port, remote, local }) =>
      run('curl', '-sS', '--tftp-blksize', '1468', '-o', local, `tftp://${host}:${port}/${remote}`),
  },
  {
    name: 'curl without options',
    fetch: ({ host, port, remote, local }) =>
      run('curl', '-sS', '--tftp-no-options', '-o', local, `tftp://${host}:${port}/${remote}`),
  },
  {
    name: 'busybox tftp',
    fetch: ({ host, port, remote, local }) =>
      run('busybox', 'tftp', '-g', '-b', '1468', '-r', remote, '-l', local, host, String(port)),
  },
  { name: 'atftp', fetch: (what) => atftp(what) },
  { name: 'atftp, windows of 16', fetch: (what) => atftp(what, 'blksize 1468', 'windowsize 16') },
  { name: 'atftp, windows of 64', fetch: (what) => atftp(what, 'blksize 1428', 'windowsize 64', 'tsize 0') },
  { name: 'node-tftp', fetch: (what) => nodeTftp(what, 1) },
  // It keeps a window in the order of arrival, so that a block that is sent again ends up behind its successors.
  { name: 'node-tftp, windows of 4', fetch: (what) => nodeTftp(what, 4), needsEveryPacket: true },
];

async function atftp({ host, port, remote, local }: Fetch, ...options: string[]): Promise<void> {
  const optionArgs = options.flatMap((option) => ['--option', option]);
  await run('atftp', ...optionArgs, '-g', '-r', remote, '-l', local, host, String(port));
  await readFile(local); // it exits 0 without a file when the server refuses
}

function nodeTftp({ host, port, remote, local }: Fetch, windowSize: number): Promise<void> {
  const { createClient } = require('node-tftp') as typeof import('node-tftp');
  const client = createClient({ host, port, blockSize: 1468, windowSize, retries: 10, timeout: 500 });
  return new Promise((resolve, reject) =>
    client.get(remote, local, (error: Error | null) => (error ? reject(error) : resolve())),
  );
}
