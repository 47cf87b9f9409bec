import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { isRequest } from './packets.js';
import type { Transfer } from './transfer.js';

export interface TftpClient {
  address: string;
  port: number;
}

/** Remembers the key of the client that sent last, since most packets on a port come from one client. */
function keyCache(): (client: TftpClient) => string {
  let last: TftpClient = { address: '', port: 0 };
  let key = '';
  return (client) => {
    if (client.port !== last.port || client.address !== last.address) {
      last = client;
      key = clientKey(client);
    }
    return key;
  };
}

/** Identifies a client among all that talk to one port; a client that asks again from the same port is the same client. */
export function clientKey(client: TftpClient): string {
  return `${client.address}/${client.port}`;
}

export interface UdpPortOptions {
  host: string;
  /** 0: one that the system picks. */
  port: number;
  receiveBufferBytes?: number;
  /** Requests are strays here even from a client that has a transfer: it may have started over. */
  acceptsRequests?: boolean;
  /** Packets of clients that have no transfer here. */
  onStray: (packet: Buffer, client: TftpClient, port: UdpPort) => void;
}

/** A bound socket and the transfers that go through it, told apart by the client's address and port. */
export class UdpPort {
  readonly transfers = new Map<string, Transfer>();

  private constructor(private readonly socket: Socket) {}

  /** Rejects with the system's error when the port cannot be bound. */
  static async open(options: UdpPortOptions): Promise<UdpPort> {
    const { host, port, receiveBufferBytes, acceptsRequests = false, onStray } = options;
    const socket = createSocket({
      type: isIPv6(host) ? 'udp6' : 'udp4',
      // Addresses come from the socket, never as names: node's default asks the resolver's machinery for every packet.
      lookup: (address, _options, done) => done(null, address, isIPv6(address) ? 6 : 4),
      ...(receiveBufferBytes === undefined ? {} : { recvBufferSize: receiveBufferBytes }),
    });
    const bound = once(socket, 'listening');
    socket.bind(port, host);
    try {
      await bound;
    } catch (error) {
      socket.close();
      throw error;
    }
    const udpPort = new UdpPort(socket);
    // What cannot be sent is as good as lost on the way: the transfer sends it again or times out.
    socket.on('error', () => undefined);
    const keyOf = keyCache();
    socket.on('message', (packet, { address, port: clientPort }) => {
      const client = { address, port: clientPort };
      const transfer = udpPort.transfers.get(keyOf(client));
      if (transfer === undefined || (acceptsRequests && isRequest(packet))) onStray(packet, client, udpPort);
      else transfer.receive(packet);
    });
    return udpPort;
  }

  get number(): number {
    return this.socket.address().port;
  }

  send(packet: Buffer, client: TftpClient): void {
    this.socket.send(packet, client.port, client.address);
  }

  async close(): Promise<void> {
    const closed = once(this.socket, 'close');
    this.socket.close();
    await closed;
  }
}
