import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** Any will do: nothing is sent. */
const discardPort = 9;

/** The address that this host speaks to another one from, as its routes have it. */
export async function sourceAddressTowards(address: string): Promise<string> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  try {
    socket.connect(discardPort, address);
    await once(socket, 'connect');
    return socket.address().address;
  } finally {
    socket.close();
  }
}
