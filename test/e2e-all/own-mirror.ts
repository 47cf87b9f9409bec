import { execa } from 'execa';
import type { Rack } from '../../apps/lab/src/index.js';

/** The release that the installer of the tests installs. */
const release = 'bookworm';
const component = 'main';

/** Every installation of ours goes through these packages of the installer; to those with a `*` belongs the release of its kernel. */
const needed = [
  'partman-base',
  'partman-auto',
  'partman-ext3',
  'e2fsprogs-udeb',
  'ext4-modules-*-di',
  'sata-modules-*-di',
  'bootstrap-base',
  'debootstrap-udeb',
  'user-setup-udeb',
  'clock-setup',
  'apt-setup-udeb',
  'pkgsel',
  'grub-installer',
  'finish-install',
];

/** Debian's archive, where this host itself takes its packages from. */
export class OwnMirror {
  private constructor(readonly url: URL) {}

  /** Undefined when this host has no source of the release that speaks plain HTTP, which is what a caching proxy takes. */
  static async find(): Promise<OwnMirror | undefined> {
    const { stdout } = await execa('apt-get', [
      'indextargets',
      '--format',
      '$(RELEASE) $(COMPONENT) $(REPO_URI)',
      'Created-By: Packages',
    ]);
    const sources = stdout.split('\n').map((line) => line.split(' '));
    const found = sources.find(
      ([of, part, uri]) => of === release && part === component && uri?.startsWith('http:'),
    );
    return found?.[2] === undefined ? undefined : new OwnMirror(new URL(found[2]));
  }

  /** What the installer is told of it. */
  get kernelArguments(): string {
    return [
      'mirror/country=manual',
      `mirror/http/hostname=${this.url.host}`,
      `mirror/http/directory=${this.url.pathname.replace(/\/$/, '')}`,
    ].join(' ');
  }

  /** The list of the installer's packages, asked for from within a rack through a proxy. */
  async index(rack: Rack, proxyUrl: string): Promise<string> {
    const list = `dists/${release}/${component}/debian-installer/binary-amd64/Packages.gz`;
    const fetch = 'curl --fail --silent --show-error --proxy "$0" "$1" | zcat';
    const { stdout } = await rack.exec('bash', [
      ...['-c', `set -o pipefail; ${fetch}`],
      ...[proxyUrl, this.of(list)],
    ]);
    return String(stdout);
  }

  /** Those of the needed packages that are not in the list, or in the list alone. */
  async missing(rack: Rack, proxyUrl: string, kernelRelease: string): Promise<string[]> {
    const files = fileNames(await this.index(rack, proxyUrl));
    const missing: string[] = [];
    for (const name of needed.map((each) => each.replace('*', kernelRelease))) {
      const file = files.get(name);
      const isThere = file !== undefined && (await this.has(rack, proxyUrl, file));
      if (!isThere) missing.push(name);
    }
    return missing;
  }

  /** Fetched whole: the proxy keeps it for the installer, and what it says of a file that it did not fetch is not to be relied on. */
  private async has(rack: Rack, proxyUrl: string, file: string): Promise<boolean> {
    const args = ['--fail', '--silent', '--output', '/dev/null', '--proxy', proxyUrl, this.of(file)];
    const { exitCode } = await rack.exec('curl', args, { reject: false });
    return exitCode === 0;
  }

  private of(file: string): string {
    return new URL(file, this.url.href.replace(/\/?$/, '/')).href;
  }
}

/** Of each package in a list of Debian's, where it is in the archive. */
function fileNames(index: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const stanza of index.split('\n\n')) {
    const [, name] = /^Package: (.+)$/m.exec(stanza) ?? [];
    const [, file] = /^Filename: (.+)$/m.exec(stanza) ?? [];
    if (name !== undefined && file !== undefined) names.set(name, file);
  }
  return names;
}

/** The release of a kernel, such as `6.1.0-50-amd64`: its header has the place of it (Documentation/arch/x86/boot.rst, kernel_version). */
export function releaseOf(kernel: Uint8Array): string {
  const bytes = Buffer.from(kernel);
  const start = bytes.readUInt16LE(0x20e) + 0x200;
  return bytes.toString('latin1', start, bytes.indexOf(' ', start));
}
