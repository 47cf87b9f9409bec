import { DomainError } from '#core';
import type { Clock } from '#platform';
import type { TftpEvent } from './events.js';
import { encodeError, parsePacket, type RequestPacket, TftpErrorCode, type TftpPacket } from './packets.js';
import { PortPool, type PortRange } from './port-pool.js';
import { ReadSession, type SessionContext, type TftpHandler } from './read-session.js';
import { RecentRefusals } from './recent-refusals.js';
import { checkRequestedPath, withoutRoot } from './requested-path.js';
import { SessionTable } from './session-table.js';
import { type TftpClient, UdpPort } from './udp-port.js';

export interface TftpServerOptions {
  host: string;
  /** 69 unless there is a reason; 0 lets the system pick. */
  port: number;
  handler: TftpHandler;
  clock: Clock;
  onEvent?: (event: TftpEvent) => void;
  /** Everything through the one port, for firewalls that do not follow TFTP. */
  singlePort?: boolean;
  /** Otherwise transfers go through these ports, or through any when not given. */
  portRange?: PortRange;
  maxTransfers?: number;
  /** Per address. */
  maxTransfersPerClient?: number;
  /** The default fits an Ethernet frame; larger blocks travel as IP fragments, which boot ROMs often cannot put together. */
  maxBlockSize?: number;
  maxWindowSize?: number;
  handlerTimeoutMs?: number;
  /** Before the first answer; afterwards the measured round trip decides, within the two bounds. */
  initialTimeoutMs?: number;
  minTimeoutMs?: number;
  maxTimeoutMs?: number;
  maxTries?: number;
}

const defaults = {
  singlePort: false,
  maxTransfers: 2000,
  maxTransfersPerClient: 64,
  maxBlockSize: 1468,
  maxWindowSize: 64,
  handlerTimeoutMs: 10_000,
  initialTimeoutMs: 500,
  minTimeoutMs: 50,
  maxTimeoutMs: 4000,
  maxTries: 8,
};

/** 500 machines that are switched on together ask at the same moment; the system's default holds about 250 requests. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/** A read-only TFTP server (RFC 1350, 2347, 2348, 2349, 7440) whose files are what `handler` answers. */
export class TftpServer {
  private readonly options: Required<Omit<TftpServerOptions, 'portRange'>> &
    Pick<TftpServerOptions, 'portRange'>;
  private readonly sessions: SessionTable;
  private readonly refusals: RecentRefusals;
  private listener: UdpPort | null = null;
  private ports: PortPool | null = null;

  constructor(options: TftpServerOptions) {
    this.options = { onEvent: () => undefined, ...defaults, ...options };
    this.sessions = new SessionTable(this.options);
    this.refusals = new RecentRefusals(this.options.clock);
  }

  async start(): Promise<{ port: number }> {
    const { host, port, portRange } = this.options;
    const onStray = (packet: Buffer, client: TftpClient, at: UdpPort) => this.onStray(packet, client, at);
    try {
      this.listener = await UdpPort.open({
        host,
        port,
        receiveBufferBytes: RECEIVE_BUFFER_BYTES,
        acceptsRequests: true,
        onStray,
      });
    } catch (error) {
      throw notBound(host, port, error);
    }
    this.ports = new PortPool({ host, onStray }, portRange ?? null);
    return { port: this.listener.number };
  }

  /** Tells the clients of running transfers, then closes every port. */
  async stop(): Promise<void> {
    for (const session of this.sessions.all()) session.abort('the server is stopping');
    await this.ports?.close();
    await this.listener?.close();
    this.listener = null;
    this.ports = null;
  }

  private onStray(packet: Buffer, client: TftpClient, at: UdpPort): void {
    const parsed = parsePacket(packet);
    if (at !== this.listener) return this.refuseForeign(parsed, client, at);
    switch (parsed.kind) {
      case 'rrq':
        return this.onRead(parsed, client, at);
      case 'wrq':
        return this.refuse(
          at,
          client,
          parsed.path,
          TftpErrorCode.accessViolation,
          'this server is read-only',
        );
      case 'malformed':
        return this.refuse(
          at,
          client,
          '',
          TftpErrorCode.illegalOperation,
          `malformed request: ${parsed.reason}`,
        );
      default:
        return this.refuseForeign(parsed, client, at);
    }
  }

  /** RFC 1350: a packet from a foreign port is answered with an error, and whose port it is meant for is not disturbed. */
  private refuseForeign(parsed: TftpPacket, client: TftpClient, at: UdpPort): void {
    if (parsed.kind === 'error') return; // errors are never answered
    at.send(encodeError(TftpErrorCode.unknownTransferId, 'no transfer of yours is on this port'), client);
  }

  private onRead(asked: RequestPacket, client: TftpClient, at: UdpPort): void {
    const request = { ...asked, path: withoutRoot(asked.path) };
    const running = this.sessions.get(client);
    if (running?.isRepeatedBy(request) || this.refusals.has(client, request.path)) return;
    running?.supersede();
    const refusal = refusalOf(request) ?? this.sessions.refusalOf(client);
    if (refusal !== null) return this.refuse(at, client, request.path, refusal.code, refusal.reason);
    const session = new ReadSession(request, client, this.contextOf(request, client, at));
    this.sessions.add(client, session);
    void session.run();
  }

  private contextOf({ path }: RequestPacket, client: TftpClient, at: UdpPort): SessionContext {
    const { handler, clock, onEvent, singlePort, handlerTimeoutMs } = this.options;
    const pool = singlePort ? null : this.ports;
    return {
      handler,
      clock,
      limits: this.options,
      timing: {
        initialMs: this.options.initialTimeoutMs,
        minMs: this.options.minTimeoutMs,
        maxMs: this.options.maxTimeoutMs,
        maxTries: this.options.maxTries,
      },
      handlerTimeoutMs,
      emit: onEvent,
      takePort: () => pool?.take() ?? at,
      releasePort: (port) => pool?.release(port),
      refuse: (error) => {
        at.send(error, client);
        this.refusals.note(client, path);
      },
      onEnd: () => this.sessions.remove(client),
    };
  }

  private refuse(at: UdpPort, client: TftpClient, path: string, code: TftpErrorCode, reason: string): void {
    at.send(encodeError(code, reason), client);
    this.options.onEvent({ kind: 'refused', client, path, reason });
  }
}

function refusalOf({ path, mode }: RequestPacket): { code: TftpErrorCode; reason: string } | null {
  if (mode !== 'octet' && mode !== 'netascii') {
    return { code: TftpErrorCode.illegalOperation, reason: `mode ${mode} is unknown: use octet` };
  }
  const checked = checkRequestedPath(path);
  return checked.kind === 'path' ? null : { code: TftpErrorCode.accessViolation, reason: checked.reason };
}

function notBound(host: string, port: number, cause: unknown): DomainError {
  const { code } = cause as NodeJS.ErrnoException;
  return new DomainError('port-not-bound', `TFTP was to listen on ${host} port ${port}: ${code}`, {
    context: { host, port },
    cause,
    remedy:
      code === 'EADDRINUSE'
        ? 'stop the other TFTP server of this host, or choose another address or port'
        : 'check that the address is one of this host, and that the process may use ports below 1024',
  });
}
