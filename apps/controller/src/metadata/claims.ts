import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { type MetadataSettings, Networks, type Secret } from '#platform';
import { plainAddress } from '../boot/machine-resolver.js';

/**
 * Who a request says it is from, as far as it can be believed: an address, or an instance that a proxy has signed for. *forged*: a
 * signature that is not right. *unknown*: what it says makes no sense.
 */
export type Claim =
  | { kind: 'address'; address: string }
  | { kind: 'signed'; instanceId: string }
  | { kind: 'forged' }
  | { kind: 'unknown' };

type Settings = Pick<MetadataSettings, 'sharedSecret' | 'trustedProxies'>;

export class Claims {
  private readonly trusted: Networks;
  private readonly secret: Secret | undefined;

  constructor({ sharedSecret, trustedProxies }: Settings) {
    this.trusted = new Networks(trustedProxies);
    this.secret = sharedSecret;
  }

  /** As Nova has it, the signature counts wherever the request comes from; without a secret of ours there is none to check. */
  of(request: IncomingMessage): Claim {
    const instanceId = headerOf(request, 'x-instance-id');
    if (instanceId === undefined || this.secret === undefined) return this.addressOf(request);
    const given = headerOf(request, 'x-instance-id-signature') ?? '';
    return isSame(given, signatureOf(this.secret, instanceId))
      ? { kind: 'signed', instanceId }
      : { kind: 'forged' };
  }

  /** Whether somebody who is not trusted passed this request on. */
  isPassedOn(request: IncomingMessage): boolean {
    return headerOf(request, 'x-forwarded-for') !== undefined && !this.trusts(peerOf(request));
  }

  /** What was added by the last one who is not trusted is believed no more than his own address. */
  private addressOf(request: IncomingMessage): Claim {
    const said = headerOf(request, 'x-forwarded-for')?.split(',') ?? [];
    const way = [...said.map((one) => inOneForm(one.trim())), peerOf(request)];
    const address = way.findLast((one) => !this.trusts(one)) ?? way[0] ?? '';
    return isIP(address) === 0 ? { kind: 'unknown' } : { kind: 'address', address };
  }

  private trusts(address: string): boolean {
    const family = isIP(address);
    return family !== 0 && this.trusted.has({ address, family });
  }
}

/** As the inventory has it: IPv6 is written in many ways, and IPv4 inside it. */
function inOneForm(address: string): string {
  return isIP(address) === 0 ? address : ipaddr.process(address).toString();
}

/** What a proxy puts into `X-Instance-ID-Signature`. */
function signatureOf(secret: Secret, instanceId: string): string {
  return createHmac('sha256', secret.reveal()).update(instanceId).digest('hex');
}

/** Takes as long whatever is given: digests are of one length, and tell nothing of what they are of. */
function isSame(given: string, expected: string): boolean {
  const [one, other] = [given, expected].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(one!, other!);
}

/** Without the interface that a link-local address has behind it. */
export function peerOf({ socket }: IncomingMessage): string {
  return plainAddress(socket.remoteAddress).split('%')[0] ?? '';
}

export function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join() : value;
}
