/** The server under measurement in a process of its own. Arguments: address, port, directory. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bufferContent, fileContent, TftpServer } from '#netboot';
import { SystemClock } from '#platform';

const [host = '127.0.0.1', port = '0', directory = '.'] = process.argv.slice(2);

/** As in the product: what is rendered comes from memory, what is large from a file. */
const small = bufferContent(await readFile(join(directory, 'small')));

const server = new TftpServer({
  host,
  port: Number(port),
  clock: new SystemClock(),
  maxTransfersPerClient: 2000,
  handler: async ({ path }) => (path === 'small' ? small : fileContent(join(directory, path))),
});
await server.start();
