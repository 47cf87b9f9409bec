import type { IncomingMessage } from 'node:http';
import type { Occupant } from '#store';
import type { Callers } from './callers.js';
import { type Claim, type Claims, headerOf, peerOf } from './claims.js';
import type { RequestRate } from './request-rate.js';
import type { SessionTokens } from './session-tokens.js';

/** What is sent back. A refusal has no words: they would tell a stranger what there is. */
export interface Answer {
  status: number;
  content: Buffer;
  headers: Record<string, string>;
  /** Whose document it is, when it is one. */
  served?: { occupant: Occupant; path: string; client: string };
}

/** A document as it is sent. */
export interface Served {
  content: Buffer;
  mediaType: string;
}

/** What an instance may read, by path: `/latest/meta-data/hostname`. */
export interface Documents {
  find(occupant: Occupant, path: string): Promise<Served | undefined>;
}

interface Gate {
  rate: RequestRate;
  claims: Claims;
  callers: Callers;
  tokens: SessionTokens;
}

const tokenPath = '/latest/api/token';
const tokenHeader = 'x-aws-ec2-metadata-token';
const ttlHeader = `${tokenHeader}-ttl-seconds`;

/** From a request to its answer: how often, who, and only then what. */
export class Answers {
  constructor(
    private readonly gate: Gate,
    private readonly documents: Documents,
  ) {}

  async to(request: IncomingMessage): Promise<Answer> {
    const claim = this.gate.claims.of(request);
    const waitS = await this.gate.rate.waitS(rateKey(claim, request));
    if (waitS > 0) return refusal(429, { 'Retry-After': String(waitS) });
    if (claim.kind === 'forged') return refusal(403);
    const path = pathOf(request);
    if (!isAllowed(request.method, path)) return refusal(405, { Allow: 'GET, HEAD' });
    const occupant = await this.gate.callers.find(claim);
    if (!occupant || path === undefined) return refusal(404);
    return request.method === 'PUT' ? this.token(request, occupant) : this.document(request, occupant, path);
  }

  /** As EC2 has it, none for what somebody passes on: an open proxy on the machine is not to give it away. */
  private token(request: IncomingMessage, { instanceId }: Occupant): Answer {
    if (this.gate.claims.isPassedOn(request)) return refusal(403);
    const issued = this.gate.tokens.issue(instanceId, headerOf(request, ttlHeader));
    if (!issued) return refusal(400);
    const headers = { 'Content-Type': 'text/plain', [ttlHeader]: issued.ttl };
    return { status: 200, content: Buffer.from(issued.token), headers };
  }

  private async document(request: IncomingMessage, occupant: Occupant, path: string): Promise<Answer> {
    const token = headerOf(request, tokenHeader);
    if (token !== undefined && !this.gate.tokens.isGood(occupant.instanceId, token)) return refusal(401);
    const found = await this.documents.find(occupant, path);
    if (!found) return refusal(404);
    const { content, mediaType } = found;
    const served = { occupant, path, client: peerOf(request) };
    return { status: 200, content, headers: { 'Content-Type': mediaType }, served };
  }
}

export function refusal(status: number, headers: Record<string, string> = {}): Answer {
  return { status, content: Buffer.alloc(0), headers };
}

/** Who is behind a proxy counts for himself; whoever is not believed counts as whom he speaks from. */
function rateKey(claim: Claim, request: IncomingMessage): string {
  if (claim.kind === 'signed') return claim.instanceId;
  return claim.kind === 'address' ? claim.address : peerOf(request);
}

function isAllowed(method: string | undefined, path: string | undefined): boolean {
  return method === 'GET' || method === 'HEAD' || (method === 'PUT' && path === tokenPath);
}

/** Without the query, and with one slash where there are several, as guests write that join a URL and a path. */
function pathOf({ url = '' }: IncomingMessage): string | undefined {
  try {
    return decodeURIComponent(url.split('?')[0] ?? '').replaceAll(/\/{2,}/g, '/');
  } catch {
    return undefined; // a percent sign with no two digits behind it
  }
}
