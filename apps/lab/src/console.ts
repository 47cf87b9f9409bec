import { once } from 'node:events';
import { createConnection } from 'node:net';
import { machineFiles } from './machine-files.js';
import { LabError } from './lab-error.js';
import type { Rack, RackMachine } from './rack.js';

/** Ctrl-], as in telnet and virsh. */
const detachByte = 0x1d;
const shownHistoryBytes = 4096;

/** Joins the terminal to a machine's serial line until the detach key, the end of input or the end of the rack. */
export async function attachConsole(rack: Rack, machine: RackMachine): Promise<void> {
  const socket = createConnection(machineFiles(machine).consoleSocket);
  await once(socket, 'connect').catch((cause: unknown) => {
    throw new LabError(`the console of ${machine.name} does not answer`, `Run: lab up --name ${rack.name}`, {
      cause,
    });
  });
  process.stderr.write(`${machine.name} is ${rack.powerState(machine)}. Detach with Ctrl-].\n`);
  process.stdout.write((await rack.serialLog(machine)).slice(-shownHistoryBytes));
  socket.pipe(process.stdout);
  const { stdin } = process;
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.on('data', (data: Buffer) => {
    if (data.includes(detachByte)) socket.end();
    else socket.write(data);
  });
  stdin.once('end', () => socket.end());
  await once(socket, 'close');
  if (stdin.isTTY) stdin.setRawMode(false);
  stdin.destroy();
  process.stderr.write('\nDetached.\n');
}
