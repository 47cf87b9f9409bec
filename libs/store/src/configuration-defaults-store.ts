import { type ConfigurationLayer, type DefaultsScope, defaultsScopes, DomainError } from '#core';
import type { Database } from './database.js';
import type { ConfigurationDefaults as Row, Prisma } from './generated/client.js';
import { type Page, pageOf } from './page.js';

/** A cluster or instance type by its name, a machine by its id. */
export interface DefaultsPlace {
  scope: DefaultsScope;
  name: string;
}

export interface ConfigurationDefaults extends DefaultsPlace {
  layer: ConfigurationLayer;
  updatedAt: Date;
  /** Who changed them last. */
  updatedBy: string;
}

/** What instances inherit. It outlives them: the next instance of the same cluster, type or machine has it again. */
export class ConfigurationDefaultsStore {
  constructor(private readonly database: Database) {}

  async find({ scope, name }: DefaultsPlace): Promise<ConfigurationDefaults | null> {
    const row = await this.database.client.configurationDefaults.findUnique({
      where: { scope_name: { scope, name } },
    });
    return row && toDefaults(row);
  }

  /** Throws DomainError `not-found`. */
  async get(place: DefaultsPlace): Promise<ConfigurationDefaults> {
    const found = await this.find(place);
    if (found) return found;
    throw new DomainError('not-found', `There are no defaults of the ${place.scope} ${place.name}.`, {
      remedy: 'List the defaults to see what there is, or put some.',
    });
  }

  /** By scope and name. `after`: the scope and name that the page comes after, as `SCOPE/NAME`. */
  async list({ after, limit }: { after?: string; limit: number }): Promise<Page<ConfigurationDefaults>> {
    const rows = await this.database.client.configurationDefaults.findMany({
      where: after === undefined ? {} : { OR: laterThan(after) },
      orderBy: [{ scope: 'asc' }, { name: 'asc' }],
      take: limit + 1,
    });
    return pageOf(rows.map(toDefaults), limit, ({ scope, name }) => `${scope}/${name}`);
  }

  /** In place of what was there. */
  async put(
    { scope, name }: DefaultsPlace,
    layer: ConfigurationLayer,
    by: string,
  ): Promise<ConfigurationDefaults> {
    // Without type assertion TypeScript does not know that an interface is JSON.
    const document = layer as unknown as Prisma.InputJsonObject;
    const columns = { document, updatedAt: this.database.clock.now(), updatedBy: by };
    const row = await this.database.client.configurationDefaults.upsert({
      where: { scope_name: { scope, name } },
      create: { scope, name, ...columns },
      update: columns,
    });
    return toDefaults(row);
  }

  /** Throws DomainError `not-found`. */
  async remove(place: DefaultsPlace): Promise<void> {
    const { scope, name } = place;
    const { count } = await this.database.client.configurationDefaults.deleteMany({ where: { scope, name } });
    if (count === 0) await this.get(place);
  }
}

function laterThan(after: string) {
  const [scope = '', ...name] = after.split('/');
  const place = defaultsScopes.findIndex((each) => each === scope);
  const same = defaultsScopes[place];
  const later = defaultsScopes.slice(place + 1).map((each) => ({ scope: each }));
  return [...later, ...(same ? [{ scope: same, name: { gt: name.join('/') } }] : [])];
}

function toDefaults({ document, ...same }: Row): ConfigurationDefaults {
  return { ...same, layer: document as ConfigurationLayer };
}
