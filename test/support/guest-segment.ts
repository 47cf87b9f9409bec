import { execa } from 'execa';

/** An Ethernet of two ends: this host at one, at the other a guest in a network namespace, whose card and address a test chooses. */
export class GuestSegment {
  readonly hostAddress = '10.198.77.1';
  private readonly hostInterface = `mdh${process.pid}`;
  private readonly guestInterface = 'guest0';
  private readonly namespace = `dodai-metadata-${process.pid}`;

  static async create(): Promise<GuestSegment> {
    const segment = new GuestSegment();
    const { hostInterface, guestInterface, namespace } = segment;
    await execa('ip', ['netns', 'add', namespace]);
    const peer = ['type', 'veth', 'peer', 'name', guestInterface, 'netns', namespace];
    await execa('ip', ['link', 'add', hostInterface, ...peer]);
    await execa('ip', ['address', 'add', `${segment.hostAddress}/24`, 'dev', hostInterface]);
    await execa('ip', ['link', 'set', hostInterface, 'up']);
    return segment;
  }

  /** The host's end goes with the other one. */
  async remove(): Promise<void> {
    await execa('ip', ['netns', 'del', this.namespace], { reject: false });
  }

  /** Another machine is put in; the host has not heard of it yet. */
  async plugIn({ mac, address }: { mac: string; address: string }): Promise<void> {
    const link = ['link', 'set', this.guestInterface];
    await this.inNamespace('ip', ...link, 'down');
    await this.inNamespace('ip', 'address', 'flush', 'dev', this.guestInterface);
    await this.inNamespace('ip', ...link, 'address', mac);
    await this.inNamespace('ip', 'address', 'add', `${address}/24`, 'dev', this.guestInterface);
    await this.inNamespace('ip', ...link, 'up');
  }

  /** What the guest is answered, and the status behind it in a line of its own. */
  async get(url: string): Promise<{ status: number; text: string }> {
    const args = ['--silent', '--max-time', '10', '--write-out', '\n%{http_code}', url];
    const stdout = await this.inNamespace('curl', ...args);
    const end = stdout.lastIndexOf('\n');
    return { status: Number(stdout.slice(end + 1)), text: stdout.slice(0, end) };
  }

  private async inNamespace(file: string, ...args: string[]): Promise<string> {
    return (await execa('ip', ['netns', 'exec', this.namespace, file, ...args])).stdout;
  }
}
