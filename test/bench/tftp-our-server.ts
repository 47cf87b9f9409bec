/** The server under measurement in a process of its own. Arguments: address, port, directory. */
import { join } from 'node:path';
import { fileContent, TftpServer } from '#netboot';
import { SystemClock } from '#platform';

const [host = '127.0.0.1', port = '0', directory = '.'] = process.argv.slice(2);

const server = new TftpServer({
  host,
  port: Number(port),
  clock: new SystemClock(),
  maxTransfersPerClient: 2000,
  handler: ({ path }) => fileContent(join(directory, path)),
});
await server.start();
