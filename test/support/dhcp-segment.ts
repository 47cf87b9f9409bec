import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { execInNamespacePrefix } from '../../apps/lab/src/namespace.js';

export interface Lease {
  ip: string;
  /** next-server */
  siaddr: string;
  boot_file?: string;
  hostname?: string;
  rootpath?: string;
  router?: string;
  staticroutes?: string;
}

export interface PxeAnswer {
  yourAddress: string;
  nextServer: string;
  file: string;
  options: Record<string, string>;
}

/** What firmware says it is (RFC 4578): 0 BIOS, 6, 7 and 9 UEFI. */
const pxe = (architecture: number) => [
  ...['-V', `PXEClient:Arch:${String(architecture).padStart(5, '0')}:UNDI:002001`],
  ...['-x', `0x5d:000${architecture}`],
];
const pxeDiscover = join(import.meta.dirname, 'pxe-discover.mjs');
/** Prints what udhcpc was given; it changes nothing, so the client stays without an address. */
const udhcpcScript = `#!/bin/sh
[ "$1" = bound ] && env
exit 0
`;

/** An Ethernet of two ends, in two network namespaces: a DHCP server at one, clients at the other. */
export class DhcpSegment {
  readonly serverInterface = 'dhcp0';
  readonly serverAddress = '10.99.0.1';
  readonly network = '10.99.0.0';
  readonly netmask = '255.255.255.0';
  private readonly clientInterface = 'client0';
  private readonly path = process.env.PATH;

  private constructor(
    private readonly servers: string,
    private readonly clients: string,
    /** For files of the test; removed with the segment. */
    readonly directory: string,
  ) {}

  static async create(): Promise<DhcpSegment> {
    const directory = await mkdtemp(join(tmpdir(), 'dodai-dhcp-'));
    const name = `dodai-${process.pid}`;
    const segment = new DhcpSegment(`${name}-s`, `${name}-c`, directory);
    try {
      await segment.build();
    } catch (error) {
      await segment.remove();
      throw error;
    }
    return segment;
  }

  async remove(): Promise<void> {
    process.env.PATH = this.path;
    for (const namespace of [this.servers, this.clients]) {
      await execa('ip', ['netns', 'del', namespace], { reject: false });
    }
    await rm(this.directory, { recursive: true, force: true });
  }

  /** A machine with this MAC asks; null when nobody answers. */
  async askForLease(mac: string, ...options: string[]): Promise<Lease | null> {
    await this.useMac(mac);
    const { stdout, exitCode } = await this.atClients(
      'busybox',
      ['udhcpc', '-f', '-q', '-n', '-t', '2', '-T', '1', '-i', this.clientInterface],
      ['-s', join(this.directory, 'udhcpc-script'), '-O', 'rootpath', ...options],
    );
    if (exitCode !== 0) return null;
    return Object.fromEntries(stdout.split('\n').map((line) => line.split('='))) as Lease;
  }

  askForBoot(mac: string, architecture = 0): Promise<Lease | null> {
    return this.askForLease(mac, ...pxe(architecture));
  }

  /** What PXE firmware asks a proxy: who is there, and then that one for its boot file. */
  async askProxy(mac: string, architecture = 0): Promise<{ offer: PxeAnswer; boot: PxeAnswer }> {
    await this.useMac(mac);
    const own = '10.99.0.50';
    await this.atClients('ip', ['addr', 'replace', `${own}/24`, 'dev', this.clientInterface]);
    const ask = async (...args: string[]) => {
      const { stdout } = await this.atClients('node', [pxeDiscover, mac, String(architecture), ...args]);
      return JSON.parse(stdout) as PxeAnswer;
    };
    const offer = await ask('discover', '10.99.0.255');
    return { offer, boot: await ask('boot', this.serverAddress, own) };
  }

  /** The UDP sockets at the server's end, as `address%interface:port`. */
  async listeningAtServer(): Promise<string[]> {
    const { stdout } = await execa(...within(this.servers, 'ss', '-Huln'));
    return stdout.split('\n').map((line) => line.split(/\s+/)[3] ?? '');
  }

  /** Whoever starts this program from here on starts it at the server's end. */
  async moveToServers(program: string): Promise<void> {
    const pathOf = async (name: string) =>
      (await execa('which', [name], { env: { PATH: this.path } })).stdout;
    const [nsenter, prefix] = within(this.servers);
    const wrapper = `#!/bin/sh\nexec ${await pathOf(nsenter)} ${prefix.join(' ')} ${await pathOf(program)} "$@"\n`;
    await writeFile(join(this.directory, program), wrapper, { mode: 0o755 });
  }

  private async build(): Promise<void> {
    await ip('netns', 'add', this.servers);
    await ip('netns', 'add', this.clients);
    const serverEnd = ['link', 'add', this.serverInterface, 'netns', this.servers, 'type', 'veth'];
    await ip(...serverEnd, 'peer', 'name', this.clientInterface, 'netns', this.clients);
    await ip('-n', this.servers, 'addr', 'add', `${this.serverAddress}/24`, 'dev', this.serverInterface);
    await ip('-n', this.servers, 'link', 'set', this.serverInterface, 'up');
    await ip('-n', this.clients, 'link', 'set', this.clientInterface, 'up');
    await writeFile(join(this.directory, 'udhcpc-script'), udhcpcScript, { mode: 0o755 });
    await this.moveToServers('dnsmasq');
    process.env.PATH = `${this.directory}:${this.path}`;
  }

  private useMac(mac: string) {
    return ip('-n', this.clients, 'link', 'set', this.clientInterface, 'address', mac);
  }

  private atClients(file: string, ...args: string[][]) {
    return execa(...within(this.clients, file, ...args.flat()), { reject: false, timeout: 15_000 });
  }
}

/** A command that runs in a namespace. */
function within(namespace: string, ...command: string[]): [string, string[]] {
  const [file = '', ...prefix] = execInNamespacePrefix(namespace);
  return [file, [...prefix, ...command]];
}

function ip(...args: string[]) {
  return execa('ip', args);
}
