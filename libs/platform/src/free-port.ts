import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * A port of loopback that nobody has, in TCP or UDP. It is none of those that the kernel gives to connections and to servers that
 * take any (from 32768 on), so that none of these has it before it is listened on.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(16_384, 32_768);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const [tcp, udp] = [createServer(), createSocket('udp4')];
  const listening = [once(tcp, 'listening'), once(udp, 'listening')];
  tcp.listen(port, '127.0.0.1');
  udp.bind(port, '127.0.0.1');
  const results = await Promise.allSettled(listening);
  tcp.close();
  udp.close();
  return results.every(({ status }) => status === 'fulfilled');
}
