/** The wire format of TFTP (RFC 1350, options of RFC 2347). Parsing never throws: what is not understood is a `malformed` packet. */

const Opcode = { rrq: 1, wrq: 2, data: 3, ack: 4, error: 5, oack: 6 } as const;

/** Error codes of RFC 1350 (0 to 7) and RFC 2347 (8). */
export const TftpErrorCode = {
  undefined: 0,
  notFound: 1,
  accessViolation: 2,
  illegalOperation: 4,
  unknownTransferId: 5,
} as const;
export type TftpErrorCode = (typeof TftpErrorCode)[keyof typeof TftpErrorCode];

export interface RequestPacket {
  kind: 'rrq' | 'wrq';
  path: string;
  mode: string;
  /** Names in lower case; of a repeated option the first counts. */
  options: ReadonlyMap<string, string>;
}

export type TftpPacket =
  | RequestPacket
  | { kind: 'data'; block: number; payload: Buffer }
  | { kind: 'ack'; block: number }
  | { kind: 'error'; code: number; message: string }
  | { kind: 'oack'; options: ReadonlyMap<string, string> }
  | { kind: 'malformed'; reason: string };

/** RFC 2347: a request with all its options fits 512 bytes. */
const MAX_REQUEST_BYTES = 512;
const HEADER_BYTES = 4;

export function parsePacket(packet: Buffer): TftpPacket {
  if (packet.length < 2) return malformed('shorter than an opcode');
  const opcode = packet.readUInt16BE(0);
  switch (opcode) {
    case Opcode.rrq:
      return parseRequest('rrq', packet);
    case Opcode.wrq:
      return parseRequest('wrq', packet);
    case Opcode.data:
      return parseNumbered(packet, (block) => ({
        kind: 'data',
        block,
        payload: packet.subarray(HEADER_BYTES),
      }));
    case Opcode.ack:
      return parseNumbered(packet, (block) => ({ kind: 'ack', block }));
    case Opcode.error:
      return parseNumbered(packet, (code) => ({ kind: 'error', code, message: errorText(packet) }));
    case Opcode.oack:
      return parseOack(packet);
    default:
      return malformed(`unknown opcode ${opcode}`);
  }
}

function parseNumbered(packet: Buffer, build: (number: number) => TftpPacket): TftpPacket {
  return packet.length < HEADER_BYTES ? malformed('cut short') : build(packet.readUInt16BE(2));
}

function parseRequest(kind: 'rrq' | 'wrq', packet: Buffer): TftpPacket {
  if (packet.length > MAX_REQUEST_BYTES)
    return malformed(`a request of ${packet.length} bytes, over ${MAX_REQUEST_BYTES}`);
  const fields = nulTerminated(packet.subarray(2));
  if (fields === null) return malformed('a request that does not end in NUL');
  const [path, mode, ...optionFields] = fields;
  if (path === undefined || mode === undefined) return malformed('a request without a mode');
  const options = pairs(optionFields);
  if (options === null) return malformed('an option without a value');
  return { kind, path, mode: mode.toLowerCase(), options };
}

function parseOack(packet: Buffer): TftpPacket {
  const fields = nulTerminated(packet.subarray(2));
  const options = fields === null ? null : pairs(fields);
  return options === null ? malformed('an option without a value') : { kind: 'oack', options };
}

function nulTerminated(bytes: Buffer): string[] | null {
  if (bytes.length === 0) return [];
  if (bytes[bytes.length - 1] !== 0) return null;
  return bytes.toString('utf8', 0, bytes.length - 1).split('\0');
}

function pairs(fields: string[]): Map<string, string> | null {
  if (fields.length % 2 !== 0) return null;
  const options = new Map<string, string>();
  for (let i = 0; i < fields.length; i += 2) {
    const name = (fields[i] ?? '').toLowerCase();
    if (!options.has(name)) options.set(name, fields[i + 1] ?? '');
  }
  return options;
}

function errorText(packet: Buffer): string {
  const end = packet.indexOf(0, HEADER_BYTES);
  return packet.toString('utf8', HEADER_BYTES, end < 0 ? packet.length : end);
}

function malformed(reason: string): TftpPacket {
  return { kind: 'malformed', reason };
}

export function encodeRequest(
  kind: 'rrq' | 'wrq',
  path: string,
  mode: string,
  options: Iterable<readonly [string, string]> = [],
): Buffer {
  return encodeFields(Opcode[kind], [path, mode, ...[...options].flat()]);
}

export function encodeOack(options: Iterable<readonly [string, string]>): Buffer {
  return encodeFields(Opcode.oack, [...options].flat());
}

function encodeFields(opcode: number, fields: string[]): Buffer {
  const body = Buffer.from(fields.map((field) => `${field}\0`).join(''), 'utf8');
  return Buffer.concat([uint16Pair(opcode).subarray(0, 2), body]);
}

/** `block` is the number on the wire, 0 to 65,535. */
export function encodeAck(block: number): Buffer {
  return uint16Pair(Opcode.ack, block);
}

/** `block` is the number on the wire, 0 to 65,535. */
export function encodeData(block: number, payload: Uint8Array): Buffer {
  const packet = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  packet.writeUInt16BE(Opcode.data, 0);
  packet.writeUInt16BE(block, 2);
  packet.set(payload, HEADER_BYTES);
  return packet;
}

/** Loaders have no room for a long one. */
export function encodeError(code: number, message: string): Buffer {
  const text = message.replaceAll('\0', '').slice(0, mostErrorChars);
  return Buffer.concat([uint16Pair(Opcode.error, code), Buffer.from(`${text}\0`, 'utf8')]);
}

const mostErrorChars = 300;

function uint16Pair(first: number, second = 0): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(first, 0);
  header.writeUInt16BE(second, 2);
  return header;
}

/** The fast path of a running transfer: the block number of an ACK, or -1 for any other packet. */
export function ackedBlock(packet: Buffer): number {
  return packet.length >= HEADER_BYTES && packet[0] === 0 && packet[1] === Opcode.ack
    ? packet.readUInt16BE(2)
    : -1;
}

export function isRequest(packet: Buffer): boolean {
  return packet[0] === 0 && (packet[1] === Opcode.rrq || packet[1] === Opcode.wrq);
}
