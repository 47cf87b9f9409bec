// One serial line, several listeners: joins each machine's serial port (QEMU connects to `serialSocket`) with its
// BMC's serial-over-LAN (TCP `solPort`, always connected) and with any number of `lab console` (`consoleSocket`).
// It outlives the machine's power cycles, so that serial-over-LAN shows a boot from its first line.
// Plain JavaScript because it runs as a process of its own, from the source tree as well as from the built program.
import { readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';

/** A listener that does not read is cut off rather than let it hold the machine's serial line. */
const longestBacklogBytes = 4 * 1024 * 1024;

const [configPath] = process.argv.slice(2);
const { machines } = JSON.parse(readFileSync(configPath, 'utf8'));
for (const machine of machines) relay(machine);

function relay({ serialSocket, consoleSocket, solPort }) {
  const lines = new Set();
  const listeners = new Set();
  listen({ path: serialSocket }, (socket) => join(socket, lines, listeners));
  listen({ path: consoleSocket }, (socket) => join(socket, listeners, lines));
  listen({ host: '127.0.0.1', port: solPort }, (socket) => join(socket, listeners, lines));
}

function listen(address, onConnection) {
  if (address.path) rmSync(address.path, { force: true });
  createServer(onConnection).listen(address);
}

function join(socket, own, others) {
  own.add(socket);
  socket.setNoDelay(true);
  socket.on('data', (data) => {
    for (const other of others) send(other, data);
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => own.delete(socket));
}

function send(socket, data) {
  if (socket.writableLength > longestBacklogBytes) socket.destroy();
  else socket.write(data);
}
