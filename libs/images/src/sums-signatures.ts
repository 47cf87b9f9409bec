import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError } from '#core';
import type { ProcessRunner } from '#platform';
import { incomingPrefix } from './image-library.js';
import { shown } from './kinds/kind.js';

/** OpenPGP data: ASCII-armored, or binary in base64. */
type OpenPgp = string;

interface Signed {
  text: string;
  /** undefined: the text is signed in itself. */
  signature: OpenPgp | undefined;
  keyring: OpenPgp;
}

const timeoutMs = 30_000;
const bounds = [`--as=${1024 ** 3}`, '--core=0'];

/** Checks who signed a list of digests, with gpgv, which knows no keys but those it is given. */
export class SumsSignatures {
  /** `directory`: of the images. */
  constructor(
    private readonly directory: string,
    private readonly runner: ProcessRunner,
  ) {}

  /** The text that was signed. Throws DomainError `image-signature-invalid` unless one of the keys did. */
  async verified({ text, signature, keyring }: Signed): Promise<string> {
    await mkdir(this.directory, { recursive: true });
    const home = await mkdtemp(join(this.directory, incomingPrefix));
    try {
      const list = join(home, 'list');
      const keys = join(home, 'keys');
      await writeFile(list, text);
      await writeFile(keys, binary(keyring));
      const gpgv = ['gpgv', '--homedir', home, '--keyring', keys, '--status-fd', '1'];
      if (signature === undefined) {
        const inside = join(home, 'inside');
        await this.check([...gpgv, '--output', inside, list]);
        return await readFile(inside, 'utf8');
      }
      const beside = join(home, 'signature');
      await writeFile(beside, binary(signature));
      await this.check([...gpgv, beside, list]);
      return text;
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  }

  private async check(gpgv: readonly string[]): Promise<void> {
    const { stdout, stderr } = await this.runner.run('prlimit', [...bounds, '--', ...gpgv], {
      env: { LC_ALL: 'C' },
      timeoutMs,
    });
    if (/failed to execute gpgv/.test(stderr)) throw missing();
    const fault = faultOf(stdout);
    if (fault)
      throw new DomainError('image-signature-invalid', `The list of digests is not trusted: ${fault.why}.`, {
        remedy: fault.remedy,
        context: { field: 'sums' },
      });
  }
}

const takeAnew = 'Take the list and its signature anew, from where the image is published.';
const takeKey = 'Take the key of today from whoever publishes the image, by a way that you trust.';

/** GnuPG, doc/DETAILS, Format of the --status-fd output; the first that is there decides. */
const faults: readonly { status: RegExp; why: (detail: string) => string; remedy: string }[] = [
  {
    status: /^BADSIG \S+ ?(.*)$/m,
    why: (who) => `it was changed after ${who || 'somebody'} signed it, or the signature is of another list`,
    remedy: takeAnew,
  },
  {
    status: /^(?:ERROR|FAILURE) (.*)$/m,
    why: (what) => `gpgv does not understand it (${what})`,
    remedy: takeAnew,
  },
];

/** What is so when no signature is right. */
const lacks: typeof faults = [
  { status: /^(?:EXPKEYSIG) \S+ ?(.*)$/m, why: (who) => `the key of ${who} has expired`, remedy: takeKey },
  { status: /^(?:REVKEYSIG) \S+ ?(.*)$/m, why: (who) => `the key of ${who} was revoked`, remedy: takeKey },
  {
    status: /^(?:EXPSIG) \S+ ?(.*)$/m,
    why: (who) => `the signature of ${who} has expired`,
    remedy: takeAnew,
  },
  {
    status: /^NO_PUBKEY (.*)$/m,
    why: (key) => `it is signed with the key ${key}, which is not among those that were given`,
    remedy: `${takeKey} Do not take it from where the list is.`,
  },
];

const noSignature = { why: 'what was given as its signature is none', remedy: takeAnew };

function faultOf(status: string): { why: string; remedy: string } | undefined {
  const lines = status.replace(/^\[GNUPG:\] /gm, '');
  const found = (among: typeof faults) => {
    for (const { status: mark, why, remedy } of among) {
      const detail = mark.exec(lines)?.[1];
      if (detail !== undefined) return { why: why(shown(detail)), remedy };
    }
    return undefined;
  };
  const isGood = /^GOODSIG /m.test(lines) && /^VALIDSIG /m.test(lines);
  return found(faults) ?? (isGood ? undefined : (found(lacks) ?? noSignature));
}

/** RFC 9580, 6.2: the armor is headers, an empty line, base64, and a checksum that may be missing; a file may have several. */
const armor =
  /-----BEGIN PGP [A-Z ,/0-9]+-----\r?\n(?:[^\r\n]+: [^\r\n]*\r?\n)*\s*\r?\n([\s\S]*?)(?:\r?\n=[A-Za-z0-9+/]{4})?\r?\n-----END PGP/g;

function binary(data: OpenPgp): Buffer {
  if (!data.startsWith('-----BEGIN PGP')) return Buffer.from(data, 'base64');
  return Buffer.concat([...data.matchAll(armor)].map(([, base64 = '']) => Buffer.from(base64, 'base64')));
}

function missing(): DomainError {
  return new DomainError('program-missing', 'gpgv was to run, but is not installed on this host', {
    remedy: 'install the Debian package gpgv',
  });
}
