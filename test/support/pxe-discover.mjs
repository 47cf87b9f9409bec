// Asks like the PXE firmware of a machine and prints the answer as JSON. Plain JavaScript, because it is run by itself
// inside a network namespace. Arguments: the MAC address; what the firmware is (RFC 4578), 0 for BIOS; `discover`, which is broadcast, or `boot`, which asks a boot server
// for its first item (UEFI for what it has); where to; and the own address, which `boot` needs.
import { createSocket } from 'node:dgram';

const [mac, architecture, question, target, ownAddress = '0.0.0.0'] = process.argv.slice(2);
const isDiscover = question === 'discover';
const isUefi = Number(architecture) >= 6;
const option = (code, ...bytes) => [code, bytes.length, ...bytes];

const header = Buffer.alloc(236);
header.set([1, 1, 6, 0]); // a request over Ethernet
header.writeUInt32BE(process.pid, 4);
header.writeUInt16BE(isDiscover ? 0x8000 : 0, 10);
header.set(ownAddress.split('.').map(Number), 12);
header.set(Buffer.from(mac.replaceAll(':', ''), 'hex'), 28);
const options = [
  ...option(53, isDiscover ? 1 : 3),
  ...(isDiscover || isUefi ? [] : option(43, ...option(71, 0x80, 0, 0, 0), 255)),
  ...option(60, ...Buffer.from(`PXEClient:Arch:${architecture.padStart(5, '0')}:UNDI:002001`)),
  ...option(93, 0, Number(architecture)),
  ...option(94, 1, 2, 1),
  ...option(97, 0, ...Buffer.alloc(16, 7)),
  ...option(55, 1, 3, 43, 54, 60, 66, 67),
];

const socket = createSocket('udp4');
const deadline = setTimeout(() => process.exit(1), 5000);
socket.on('message', (reply, { address }) => {
  clearTimeout(deadline);
  console.log(JSON.stringify({ from: address, ...fieldsOf(reply) }));
  socket.close();
});
socket.bind(68, () => {
  socket.setBroadcast(true);
  socket.send(
    Buffer.concat([header, Buffer.from([99, 130, 83, 99, ...options, 255])]),
    isDiscover ? 67 : 4011,
    target,
  );
});

function fieldsOf(reply) {
  const text = (start, end) => reply.toString('latin1', start, end).split('\0')[0];
  const found = {};
  for (let at = 240; reply[at] !== 255 && at < reply.length; at += 2 + reply[at + 1]) {
    found[reply[at]] = reply.toString('hex', at + 2, at + 2 + reply[at + 1]);
  }
  return {
    yourAddress: [...reply.subarray(16, 20)].join('.'),
    nextServer: [...reply.subarray(20, 24)].join('.'),
    file: text(108, 236),
    options: found,
  };
}
