import { once } from 'node:events';
import { createServer } from 'node:net';

/** A TCP port of loopback that nothing listens on, the given one where that is free. */
export async function freePort(wanted = 0): Promise<number | undefined> {
  const server = createServer();
  server.listen(wanted, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return undefined;
  }
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' ? address?.port : undefined;
}
