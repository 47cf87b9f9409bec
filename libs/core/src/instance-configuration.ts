import type { NetworkConfiguration } from './network-configuration.js';

/** What cloud-init takes as parts of user data, by content type (cloud-init, "User data formats"). */
export const userDataTypes = [
  'text/cloud-config',
  'text/x-shellscript',
  'text/x-shellscript-per-boot',
  'text/x-shellscript-per-instance',
  'text/x-shellscript-per-once',
  'text/x-include-url',
  'text/x-include-once-url',
  'text/cloud-boothook',
  'text/upstart-job',
  'text/part-handler',
  'text/cloud-config-archive',
  'text/jinja2',
] as const;
export type UserDataType = (typeof userDataTypes)[number];

/** One part of user data or vendor data. */
export interface UserDataPart {
  type: UserDataType;
  fileName: string;
  content: string;
  /** Whether per-instance values are filled in: `{{ hostName }}` and its like. */
  template: boolean;
  /** How cloud-init merges a part of cloud-config with what came before: `list(append)+dict(recurse_array)+str()`. */
  mergeType?: string;
  /** The part of the library that it is from. */
  item?: { name: string; version: number };
}

/** The owner's own bytes, passed through untouched; or parts, put together for this instance. */
export type UserData = { kind: 'own'; base64: string } | { kind: 'parts'; parts: UserDataPart[] };

/** A part that the library of user data has; without a version: the newest one at the time of the spawn. */
export interface ItemReference {
  item: { name: string; version: number | null };
}
export type PartOrItem = UserDataPart | ItemReference;
/** User data in which parts of the library are only named. */
export type UserDataWithItems = Extract<UserData, { kind: 'own' }> | { kind: 'parts'; parts: PartOrItem[] };

export interface ConfiguredFile {
  /** Absolute. */
  path: string;
  base64: string;
  /** Four octal digits: 0644. */
  mode: string;
  /** `root:root`. */
  owner: string;
}

/** What instances inherit from. */
export const defaultsScopes = ['cluster', 'type', 'machine'] as const;
export type DefaultsScope = (typeof defaultsScopes)[number];

/** Where a value comes from, from the most general to the most special, which wins. */
export const configurationSources = [...defaultsScopes, 'spawn'] as const;
export type ConfigurationSource = (typeof configurationSources)[number];

/**
 * What makes an installed OS its owner's, besides its host name. An instance keeps what it was spawned with: later changes of
 * defaults do not reach it, and every installation of it ends the same.
 */
export interface InstanceConfiguration {
  sshKeys: string[];
  /** Of the default user, as crypt(3) has it: `$6$…`. The password itself is kept nowhere. */
  passwordHash: string | null;
  userData: UserData | null;
  vendorData: UserDataPart[];
  files: ConfiguredFile[];
  metadata: Record<string, string>;
  /** null: DHCP on the card that the machine boots from. */
  network: NetworkConfiguration | null;
  /** Its number among those that were spawned together. */
  launchIndex: number;
  /** Whether it is installed with a config drive; otherwise the OS asks the metadata service. */
  configDrive: boolean;
}

/** Of an instance that nobody owns, or that was adopted as it was. */
export const nothingConfigured: InstanceConfiguration = {
  sshKeys: [],
  passwordHash: null,
  userData: null,
  vendorData: [],
  files: [],
  metadata: {},
  network: null,
  launchIndex: 0,
  configDrive: false,
};

/** Every field, and for those with several values each by its own: `sshKeys.0`, `vendorData.1`, `files./etc/motd`, `metadata.rack`. */
export type ConfigurationSources = Record<string, ConfigurationSource>;

/** What one of the sources says; what it leaves out is another's. */
export interface ConfigurationLayer {
  sshKeys?: string[];
  passwordHash?: string;
  userData?: UserDataWithItems;
  vendorData?: PartOrItem[];
  files?: ConfiguredFile[];
  metadata?: Record<string, string>;
  network?: NetworkConfiguration;
  configDrive?: boolean;
}

/** A part of the library of user data, in one of its versions. */
export interface UserDataItem {
  name: string;
  /** From 1; what was put once never changes. */
  version: number;
  type: UserDataType;
  content: string;
  template: boolean;
  mergeType: string | null;
  description: string;
  createdAt: Date;
  createdBy: string;
}
