/** An OS may be newer than its controller, and tell more. */
interface More {
  [key: string]: unknown;
}

/** An interface, as `ip -json address` has it. */
export interface GuestInterface extends More {
  ifname: string;
  /** Its MAC address. */
  address?: string;
  operstate?: string;
  mtu?: number;
  addr_info?: (More & { family: string; local?: string; prefixlen?: number; scope?: string })[];
}

/** What an installed OS says of itself when it is done. */
export interface GuestReport extends More {
  hostName: string;
  bootId: string | null;
  machineId: string | null;
  kernel: string | null;
  /** null: the OS has no program that tells. */
  addresses: GuestInterface[] | null;
  /** SHA256 fingerprints of the keys that open each account. */
  authorizedKeys: Record<string, string[]>;
  /** SHA256 fingerprints of its SSH server. */
  hostKeys: string[];
  /** `cloud-init status --format json`; null: cloud-init does not configure this OS. */
  cloudInit: (More & { status: string }) | null;
  /** What the user data ended with; null: none, it still runs, or cloud-init ran it. */
  userDataStatus: number | null;
  /** The files by path that it was to get; null: it is not there. */
  files: (More & { path: string; sha256: string | null; mode: string | null; owner: string | null })[];
}

/** A report, and when it came. */
export interface ReceivedReport {
  /** ISO 8601. */
  at: string;
  report: GuestReport;
}

export const doctorVerdicts = ['ok', 'differs', 'unknown'] as const;
export type DoctorVerdict = (typeof doctorVerdicts)[number];

/** One thing that was asked for, beside what the OS says of it. */
export interface DoctorCheck {
  /** Of the configuration: `hostName`, `network.addresses.0`, `files./etc/motd`. */
  field: string;
  asked: string;
  found: string;
  verdict: DoctorVerdict;
}
