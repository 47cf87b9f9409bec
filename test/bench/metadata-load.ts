import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Samples } from './lifecycle-figures.js';

export interface LoadTask {
  port: number;
  /** Of the guests, addresses of loopback: they take turns. */
  addresses: readonly string[];
  paths: readonly string[];
  /** At once. */
  callers: number;
  /** undefined: until every guest has had its turn once. */
  seconds?: number;
  /** Whether a guest asks for all paths on one connection; otherwise each on its own, as cloud-init does. */
  keepsConnection: boolean;
}

export interface LoadFigures {
  requestsPerSecond: number;
  /** From the first packet of the connection, or of the request on a connection that is there, to the last of the answer. */
  ms: Samples;
  failed: number;
}

/** Asks as many guests do. Written on sockets, so that the asking costs less than the answering. */
export async function load(task: LoadTask): Promise<LoadFigures> {
  const figures = { ms: new Samples(), failed: 0 };
  const beganMs = performance.now();
  const endsMs = task.seconds === undefined ? Infinity : beganMs + task.seconds * 1000;
  let turn = 0;
  const isOver = () =>
    task.seconds === undefined ? turn >= task.addresses.length : performance.now() >= endsMs;
  const caller = async () => {
    while (!isOver()) await oneGuest(task, task.addresses[turn++ % task.addresses.length]!, figures);
  };
  await Promise.all(Array.from({ length: task.callers }, caller));
  return { ...figures, requestsPerSecond: figures.ms.count / ((performance.now() - beganMs) / 1000) };
}

async function oneGuest(
  { port, paths, keepsConnection }: LoadTask,
  address: string,
  figures: { ms: Samples; failed: number },
): Promise<void> {
  let startedMs = performance.now();
  let socket = await open(port, address);
  for (const [index, path] of paths.entries()) {
    if (index > 0) startedMs = performance.now();
    if (index > 0 && !keepsConnection) socket = await open(port, address);
    const isLast = !keepsConnection || index === paths.length - 1;
    const status = await exchange(socket, path, isLast);
    if (status !== 200) figures.failed += 1;
    figures.ms.add(performance.now() - startedMs);
    if (isLast) socket.destroy();
  }
}

async function open(port: number, localAddress: string): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, localAddress, noDelay: true });
  await once(socket, 'connect');
  return socket;
}

/** Answers the status, when all of the body has come. */
function exchange(socket: Socket, path: string, isLast: boolean): Promise<number> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0);
    const done = (settle: () => void) => {
      socket.off('data', onData).off('error', onError).off('close', onClose);
      settle();
    };
    const onData = (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const status = statusOfWhole(received);
      if (status !== undefined) done(() => resolve(status));
    };
    const onError = (error: Error) => done(() => reject(error));
    const onClose = () => done(() => resolve(0));
    socket.on('data', onData).on('error', onError).on('close', onClose);
    const connection = isLast ? 'close' : 'keep-alive';
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 169.254.169.254\r\nConnection: ${connection}\r\n\r\n`);
  });
}

/** undefined: there is more to come. All servers say how long their answers are. */
function statusOfWhole(received: Buffer): number | undefined {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const head = received.toString('latin1', 0, headEnd);
  const [, length = '0'] = /^content-length: *(\d+)/im.exec(head) ?? [];
  return received.length >= headEnd + 4 + Number(length) ? Number(head.slice(9, 12)) : undefined;
}
