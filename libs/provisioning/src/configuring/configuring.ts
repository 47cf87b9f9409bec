import {
  type ConfigurationLayer,
  DomainError,
  type InstanceConfiguration,
  layered,
  type LayeredConfiguration,
  type Machine,
  nothingConfigured,
  type SourcedLayer,
  type UserData,
  type UserDataWithItems,
} from '#core';
import { findingInWords, type UserDataChecks } from '#metadata';
import type { ProcessRunner } from '#platform';
import type { ConfigurationDefaultsStore, Configured, DefaultsPlace, UserDataItemStore } from '#store';
import { checkCards } from './cards.js';
import { checkDocuments, imagined } from './instance-documents.js';
import type { GivenDrive, GivenDrives } from './given-drives.js';
import { isOwnScript } from './own-script.js';
import { hashPassword } from './password-hash.js';

/** What somebody asks to have configured: at spawn, or as defaults. */
export interface WantedConfiguration extends ConfigurationLayer {
  password?: string;
}

/** At spawn. */
export interface ConfigurationRequest extends Omit<WantedConfiguration, 'configDrive'> {
  configDrive?: boolean | GivenDrive;
  launchIndex?: number;
  /** false: nothing is inherited. */
  defaults?: boolean;
}

/** What its OS is to be, as far as it is known before there is a machine. */
interface Place {
  hostName: string;
  cluster: string | null;
  instanceType: string;
  /** Whether cloud-init is at work in the image; null: nobody knows. */
  cloudInit: boolean | null;
}

/** What an instance is to be, but for what its machine says. */
export interface Prepared {
  /** Throws DomainError `invalid-request`, `user-data-invalid` or `user-data-too-large` when it cannot be had on that machine. */
  configure: (machine: Machine) => Promise<Configured>;
  readyMadeDrive?: Buffer;
  /** What is odd about its user data, and was let through. */
  warnings: string[];
}

interface Parts {
  defaults: ConfigurationDefaultsStore;
  items: UserDataItemStore;
  checks: UserDataChecks;
  drives: GivenDrives;
}

const fields = [
  'sshKeys',
  'password',
  'passwordHash',
  'userData',
  'vendorData',
  'files',
  'metadata',
  'network',
] as const;

/** Whether the request is an owner's: the OS is to become somebody's. */
export function isOwned(request: ConfigurationRequest): boolean {
  const isGiven = fields.some((field) => {
    const value = request[field];
    return Array.isArray(value) ? value.length > 0 : value !== undefined;
  });
  return isGiven || typeof request.configDrive === 'object';
}

/** Puts together what an instance is configured with: what the request says, on top of what its cluster, type and machine say. */
export class Configuring {
  constructor(
    private readonly parts: Parts,
    private readonly runner: ProcessRunner,
    private readonly settings: { forceConfigDrive: boolean },
  ) {}

  /**
   * What is known before there is a machine is looked up, put together and checked once. Throws DomainError `user-data-invalid`,
   * `user-data-item-not-found`, or what speaks against a ready-made config drive.
   */
  async prepare(
    request: ConfigurationRequest,
    { hostName, cluster, instanceType, cloudInit }: Place,
  ): Promise<Prepared> {
    const { configDrive, launchIndex = 0, defaults = true, ...wanted } = request;
    const readyMadeDrive =
      typeof configDrive === 'object' ? await this.parts.drives.take(configDrive) : undefined;
    const layer = await this.layerOf({
      ...wanted,
      configDrive: readyMadeDrive ? true : (configDrive as boolean | undefined),
    });
    const places = cluster === null ? [] : [{ scope: 'cluster' as const, name: cluster }];
    const inherited = defaults ? await this.layers([...places, { scope: 'type', name: instanceType }]) : [];
    const own: SourcedLayer = { source: 'spawn', layer };
    const { configuration } = layered([...inherited, own]);
    const warnings = [...(await this.checked(configuration)), ...withoutCloudInit(configuration, cloudInit)];
    return {
      warnings,
      ...(readyMadeDrive && { readyMadeDrive }),
      configure: async (machine) => {
        const ofMachine = defaults ? await this.layers([{ scope: 'machine', name: machine.id }]) : [];
        const configured = await this.configured(layered([...inherited, ...ofMachine, own]), launchIndex);
        checkCards(configured.configuration.network, machine);
        await checkDocuments({ ...imagined, hostName, cluster, instanceType, ...configured }, machine);
        return configured;
      },
    };
  }

  /** As a layer that is kept: checked, and with the password hashed. Throws DomainError `user-data-invalid`. */
  async taken(wanted: WantedConfiguration): Promise<ConfigurationLayer> {
    await this.checked(wanted);
    return this.layerOf(wanted);
  }

  /** Nothing keeps the password itself. */
  private async layerOf({ password, ...layer }: WantedConfiguration): Promise<ConfigurationLayer> {
    if (password === undefined) return layer;
    return { ...layer, passwordHash: await hashPassword(this.runner, password) };
  }

  private async checked({ userData, vendorData = [] }: ConfigurationLayer): Promise<string[]> {
    const { checks } = this.parts;
    const whole = userData && (await this.withItems(userData));
    const findings = [
      ...(whole ? await checks.userData(whole, 'userData') : []),
      ...(vendorData.length > 0
        ? await checks.parts(await this.parts.items.resolved(vendorData), 'vendorData')
        : []),
    ];
    return findings.map(findingInWords);
  }

  private async layers(places: DefaultsPlace[]): Promise<SourcedLayer[]> {
    const found = await Promise.all(places.map((place) => this.parts.defaults.find(place)));
    return found.flatMap((each) => (each ? [{ source: each.scope, layer: each.layer }] : []));
  }

  private async configured(
    { configuration, sources }: LayeredConfiguration,
    launchIndex: number,
  ): Promise<Configured> {
    const { userData, vendorData = [], ...same } = configuration;
    const complete: InstanceConfiguration = {
      ...nothingConfigured,
      configDrive: this.settings.forceConfigDrive,
      ...same,
      userData: userData === undefined ? null : await this.withItems(userData),
      vendorData: await this.parts.items.resolved(vendorData),
      launchIndex,
    };
    return { configuration: complete, sources };
  }

  private async withItems(userData: UserDataWithItems): Promise<UserData> {
    if (userData.kind === 'own') return userData;
    return { kind: 'parts', parts: await this.parts.items.resolved(userData.parts) };
  }
}

/**
 * What an OS cannot do by itself. Throws DomainError `image-unsuitable` for user data that would never be looked at; of vendor data,
 * which its owner did not ask for, a warning is enough.
 */
function withoutCloudInit(
  { userData, vendorData = [] }: ConfigurationLayer,
  cloudInit: boolean | null,
): string[] {
  if (cloudInit !== false) return [];
  if (userData !== undefined && !isOwnScript(userData))
    throw new DomainError(
      'image-unsuitable',
      'userData: the image has no cloud-init; by itself its OS runs only what begins with #!.',
      {
        remedy: 'Give a script, or choose an image with cloud-init.',
        context: { field: 'userData' },
      },
    );
  return vendorData.length === 0
    ? []
    : ['vendorData: the image has no cloud-init, and takes no notice of it'];
}
