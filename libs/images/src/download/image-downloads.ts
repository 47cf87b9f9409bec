import { lookup } from 'node:dns/promises';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { Readable } from 'node:stream';
import type { HostAddress } from '#platform';
import type { AddressPolicy } from './address-policy.js';
import { downloadError, failedDownload, refusedUrl } from './download-errors.js';

export interface DownloadProgress {
  receivedBytes: number;
  /** undefined: the server did not say. */
  totalBytes: number | undefined;
}

interface DownloadOptions {
  /** Ends the download, also after it was opened: whoever opened it aborts when it is no longer read. */
  signal: AbortSignal;
  /** Told when the answer begins, and of every piece. */
  onProgress: (progress: DownloadProgress) => void;
}

interface Download {
  stream: Readable;
  /** As the server announced it. */
  totalBytes: number | undefined;
}

/** All addresses of a host name. */
type Resolve = (host: string) => Promise<readonly HostAddress[]>;

const resolveAll: Resolve = (host) => lookup(host, { all: true });

const mostRedirects = 5;
const redirects: ReadonlySet<number | undefined> = new Set([301, 302, 303, 307, 308]); // RFC 9110, 15.4

/**
 * Fetches what a URL names, from nowhere but where the policy lets the controller go: every host on the way is
 * resolved once, and the connection is made to an address that was checked.
 */
export class ImageDownloads {
  /** `stallMs`: how long a server may send nothing. */
  constructor(
    private readonly policy: AddressPolicy,
    private readonly stallMs = 60_000,
    private readonly resolve = resolveAll,
  ) {}

  /** Throws DomainError `image-url-refused` or `image-download-failed`, and so does the stream. */
  async open(url: string, { signal, onProgress }: DownloadOptions): Promise<Download> {
    let at = new URL(url);
    for (let hops = 0; hops <= mostRedirects; hops += 1) {
      const response = await this.ask(at, signal);
      if (!redirects.has(response.statusCode)) return downloadOf(response, at, onProgress);
      response.destroy();
      at = redirectTarget(response, at);
    }
    throw failedDownload(new URL(url), `it was redirected more than ${mostRedirects} times`);
  }

  private async ask(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
    const addresses = await this.addressesOf(url);
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const headers = { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'dodai' };
    const options = { headers, signal, agent: false, timeout: this.stallMs, lookup: pinned(addresses) };
    return await new Promise((resolve, reject) => {
      const request = send(url, options);
      let response: IncomingMessage | undefined;
      request.on('timeout', () => (response ?? request).destroy(this.stalled(url)));
      request.on('error', (error) => reject(downloadError(url, error)));
      request.on('response', (answer) => {
        response = answer;
        resolve(answer);
      });
      request.end();
    });
  }

  private async addressesOf(url: URL): Promise<readonly HostAddress[]> {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const family = isIP(host);
    const addresses = family === 0 ? await this.resolved(url, host) : [{ address: host, family }];
    for (const each of addresses) {
      const why = this.policy.refusalOf(host, each);
      if (why !== undefined) throw refusedUrl(url, `${host} is at ${each.address}, which is ${why}`);
    }
    return addresses;
  }

  private async resolved(url: URL, host: string): Promise<readonly HostAddress[]> {
    try {
      return await this.resolve(host);
    } catch (error) {
      throw downloadError(url, error);
    }
  }

  private stalled(url: URL): Error {
    return failedDownload(url, `nothing came for ${this.stallMs / 1000} seconds`);
  }
}

/** Answers with what was checked, whatever the name server would say now. */
function pinned(addresses: readonly HostAddress[]): LookupFunction {
  return (_host, { all }, callback) => {
    const [first] = addresses;
    if (all || !first) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  };
}

function redirectTarget({ headers, statusCode }: IncomingMessage, from: URL): URL {
  const { location } = headers;
  if (location === undefined || !URL.canParse(location, from.href))
    throw failedDownload(from, `it was answered ${statusCode} without the place where it is now`);
  const target = new URL(location, from);
  if (!/^https?:$/.test(target.protocol))
    throw refusedUrl(from, `it is redirected to ${target.protocol}, which is neither http nor https`);
  if (target.username !== '' || target.password !== '')
    throw refusedUrl(from, 'it is redirected to a URL with a user name or password');
  return target;
}

function downloadOf(
  response: IncomingMessage,
  url: URL,
  onProgress: DownloadOptions['onProgress'],
): Download {
  const { statusCode, statusMessage, headers } = response;
  if (statusCode !== 200) {
    response.destroy();
    throw failedDownload(url, `the server answered ${statusCode} ${statusMessage ?? ''}`.trimEnd());
  }
  const totalBytes = headers['content-length'] === undefined ? undefined : Number(headers['content-length']);
  onProgress({ receivedBytes: 0, totalBytes });
  const report = (receivedBytes: number) => onProgress({ receivedBytes, totalBytes });
  return { stream: Readable.from(received(response, url, report), { objectMode: false }), totalBytes };
}

async function* received(
  response: IncomingMessage,
  url: URL,
  report: (receivedBytes: number) => void,
): AsyncGenerator<Buffer> {
  let receivedBytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      yield chunk;
      receivedBytes += chunk.length;
      report(receivedBytes);
    }
  } catch (error) {
    throw downloadError(url, error);
  }
}
