import {
  type ConfigurationLayer,
  DomainError,
  type InstanceConfiguration,
  layered,
  type LayeredConfiguration,
  type Machine,
  nothingConfigured,
  type PartOrItem,
  type SourcedLayer,
  type UserDataPart,
} from '#core';
import type { ProcessRunner } from '#platform';
import type { ConfigurationDefaultsStore, Configured, DefaultsPlace } from '#store';
import { checkCards } from './cards.js';
import { hashPassword } from './password-hash.js';

/** What somebody asks to have configured: at spawn, or as defaults. */
export interface WantedConfiguration extends ConfigurationLayer {
  password?: string;
}

/** At spawn. */
export interface ConfigurationRequest extends Omit<WantedConfiguration, 'configDrive'> {
  configDrive?: boolean | { base64: string } | { url: string };
  launchIndex?: number;
  /** false: nothing is inherited. */
  defaults?: boolean;
}

interface Place {
  cluster: string | null;
  instanceType: string;
}

/** What an instance is to be, but for what its machine says. */
interface Prepared {
  configure: (machine: Machine) => Promise<Configured>;
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
    private readonly defaults: ConfigurationDefaultsStore,
    private readonly runner: ProcessRunner,
    private readonly settings: { forceConfigDrive: boolean },
  ) {}

  /** What is known before there is a machine is looked up once. */
  async prepare(request: ConfigurationRequest, { cluster, instanceType }: Place): Promise<Prepared> {
    const { configDrive, launchIndex = 0, defaults = true, ...wanted } = request;
    const isReadyMade = typeof configDrive === 'object';
    const layer = await this.layerOf({ ...wanted, configDrive: isReadyMade ? true : configDrive });
    const inherited = defaults
      ? await this.layers([
          ...(cluster === null ? [] : [{ scope: 'cluster' as const, name: cluster }]),
          { scope: 'type', name: instanceType },
        ])
      : [];
    const own: SourcedLayer = { source: 'spawn', layer };
    return {
      configure: async (machine) => {
        const ofMachine = defaults ? await this.layers([{ scope: 'machine', name: machine.id }]) : [];
        return this.configured(layered([...inherited, ...ofMachine, own]), machine, launchIndex);
      },
    };
  }

  /** With the password hashed: nothing keeps the password itself. */
  async layerOf({ password, ...layer }: WantedConfiguration): Promise<ConfigurationLayer> {
    if (password === undefined) return layer;
    return { ...layer, passwordHash: await hashPassword(this.runner, password) };
  }

  private async layers(places: DefaultsPlace[]): Promise<SourcedLayer[]> {
    const found = await Promise.all(places.map((place) => this.defaults.find(place)));
    return found.flatMap((each) => (each ? [{ source: each.scope, layer: each.layer }] : []));
  }

  private configured(
    { configuration, sources }: LayeredConfiguration,
    machine: Machine,
    launchIndex: number,
  ): Configured {
    const { userData, vendorData = [], ...same } = configuration;
    const complete: InstanceConfiguration = {
      ...nothingConfigured,
      configDrive: this.settings.forceConfigDrive,
      ...same,
      userData:
        userData?.kind === 'parts' ? { ...userData, parts: inline(userData.parts) } : (userData ?? null),
      vendorData: inline(vendorData),
      launchIndex,
    };
    checkCards(complete.network, machine);
    return { configuration: complete, sources };
  }
}

function inline(parts: PartOrItem[]): UserDataPart[] {
  return parts.map((part) => {
    if ('content' in part) return part;
    throw new DomainError('not-found', `There is no part ${part.item.name} in the library of user data.`);
  });
}
