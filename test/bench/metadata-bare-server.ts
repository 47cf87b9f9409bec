/**
 * The least that Node can do: the same documents by the caller's address, from memory, without asking anybody who it is.
 * Arguments: port, folder with a folder for each address.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, relative } from 'node:path';

const [port = '0', folder = '.'] = process.argv.slice(2);
const documents = new Map<string, Buffer>();
for (const name of readdirSync(folder, { recursive: true }) as string[]) {
  const path = join(folder, name);
  if (statSync(path).isFile()) documents.set(relative(folder, path), readFileSync(path));
}

createServer(({ url, socket }, response) => {
  const content = documents.get(`${socket.remoteAddress}${url}`);
  response.writeHead(content ? 200 : 404, { 'Content-Length': content?.length ?? 0 });
  response.end(content);
}).listen(Number(port), '127.0.0.1', () => console.log('ready'));
