import { type Mac, macOfText } from '../mac.js';

const kinds = {
  DHCPDISCOVER: 'discover',
  DHCPOFFER: 'offer',
  DHCPREQUEST: 'request',
  DHCPACK: 'ack',
  DHCPNAK: 'nak',
  DHCPDECLINE: 'decline',
  DHCPRELEASE: 'release',
  DHCPINFORM: 'inform',
  PXE: 'proxy',
} as const;

export interface DhcpEvent {
  /** `proxy`: a machine that has its address from the site's server was told what to boot. */
  kind: (typeof kinds)[keyof typeof kinds];
  mac: Mac;
  ip?: string;
  /** What the client says it is, like `PXEClient:Arch:00000:UNDI:002001`. */
  vendorClass?: string;
  /** The number in a PXE client's vendor class (RFC 4578): 0 for BIOS. */
  architecture?: number;
  /** What dnsmasq adds: why it refuses or ignores, or the name it gave. */
  note?: string;
}

const LINE = /^dnsmasq-dhcp(?:\[\d+\])?: (?:(\d+) )?(.*)$/;
const VENDOR_CLASS = /^vendor class: (.*)$/;
const MESSAGE = /^([A-Z]+)\([^)]*\) (?:(\d+\.\d+\.\d+\.\d+|\(null\)) )?([0-9a-f:]{17})(?: (.*))?$/;
const ARCHITECTURE = /^PXEClient:Arch:(\d{5})/;
/** Exchanges whose client's class is remembered; older ones have ended. */
const MAX_EXCHANGES = 1000;

/** Reads what dnsmasq logs with `log-dhcp`, line by line. The lines of one exchange share a transaction number. */
export class DhcpLogParser {
  private readonly vendorClasses = new Map<string, string>();

  /** Null for a line that is no DHCP message. */
  parse(line: string): DhcpEvent | null {
    const [, exchange = '', text = ''] = LINE.exec(line) ?? [];
    const vendorClass = VENDOR_CLASS.exec(text)?.[1];
    if (vendorClass !== undefined) this.remember(exchange, vendorClass);
    const [, name = '', ip, macText = '', note] = MESSAGE.exec(text) ?? [];
    const mac = macOfText(macText);
    if (mac === null || !isKind(name)) return null;
    return {
      kind: kinds[name],
      mac,
      ...(ip === undefined || ip === '(null)' ? {} : { ip }),
      ...this.classOf(exchange),
      ...(note ? { note } : {}),
    };
  }

  private remember(exchange: string, vendorClass: string): void {
    this.vendorClasses.delete(exchange);
    this.vendorClasses.set(exchange, vendorClass);
    const [oldest] = this.vendorClasses.keys();
    if (this.vendorClasses.size > MAX_EXCHANGES && oldest !== undefined) this.vendorClasses.delete(oldest);
  }

  private classOf(exchange: string): Pick<DhcpEvent, 'vendorClass' | 'architecture'> {
    const vendorClass = this.vendorClasses.get(exchange);
    if (vendorClass === undefined) return {};
    const architecture = ARCHITECTURE.exec(vendorClass)?.[1];
    return architecture === undefined ? { vendorClass } : { vendorClass, architecture: Number(architecture) };
  }
}

function isKind(name: string): name is keyof typeof kinds {
  return Object.hasOwn(kinds, name);
}
