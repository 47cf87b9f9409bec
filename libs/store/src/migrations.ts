import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { projectRoot } from '#platform';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import * as engineModule from '@prisma/schema-engine-wasm/schema_engine_bg';
import type { MigrationList, SchemaEngine } from '@prisma/schema-engine-wasm';

const folder = join(projectRoot, 'prisma', 'migrations');
const filters = { externalTables: [], externalEnums: [] };

/** The one call of the WebAssembly API that is used here; Node's own types leave it out, and DOM's bring a browser. */
declare const WebAssembly: {
  instantiate(
    bytes: Uint8Array,
    imports: Record<string, unknown>,
  ): Promise<{ instance: { exports: Record<string, unknown> } }>;
};

/** What the generated glue of the engine exports beside its public types. */
interface Glue {
  __wbg_set_wasm(exports: Record<string, unknown>): void;
  SchemaEngine: typeof SchemaEngine;
}

let glue: Promise<Glue> | undefined;

/** The schema engine is Prisma's own, as WebAssembly: nothing is downloaded, no binary runs. */
function loadGlue(): Promise<Glue> {
  glue ??= (async () => {
    const require = createRequire(import.meta.url);
    const file = require
      .resolve('@prisma/schema-engine-wasm')
      .replace(/schema_engine\.js$/, 'schema_engine_bg.wasm');
    const loaded = engineModule as unknown as Glue;
    const { instance } = await WebAssembly.instantiate(await readFile(file), {
      './schema_engine_bg.js': engineModule,
    });
    loaded.__wbg_set_wasm(instance.exports);
    (instance.exports['__wbindgen_start'] as () => void)();
    return loaded;
  })();
  return glue;
}

function migrationList(): MigrationList {
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  return {
    baseDir: folder,
    lockfile: {
      path: 'migration_lock.toml',
      content: readFileSync(join(folder, 'migration_lock.toml'), 'utf8'),
    },
    shadowDbInitScript: '',
    migrationDirectories: names.map((name) => ({
      path: name,
      migrationFile: {
        path: 'migration.sql',
        content: { tag: 'ok', value: readFileSync(join(folder, name, 'migration.sql'), 'utf8') },
      },
    })),
  };
}

/** Ends the engine's connections when it is done: its lock on the migrations goes with them, and the next one need not wait. */
async function withEngine<T>(databaseUrl: string, use: (engine: SchemaEngine) => Promise<T>): Promise<T> {
  const { SchemaEngine: Engine } = await loadGlue();
  const pool = new pg.Pool({ connectionString: databaseUrl });
  const adapter = bindMigrationAwareSqlAdapterFactory(new PrismaPg(pool));
  try {
    const engine = await Engine.new({ datamodels: undefined }, () => undefined, adapter);
    return await use(engine).finally(() => engine.free());
  } finally {
    await pool.end();
  }
}

/** Applies the migrations that the database lacks; answers their names. Agrees with `prisma migrate deploy`. */
export function applyMigrations(databaseUrl: string): Promise<string[]> {
  return withEngine(databaseUrl, async (engine) => {
    const { appliedMigrationNames } = await engine.applyMigrations({
      migrationsList: migrationList(),
      filters,
    });
    return appliedMigrationNames;
  });
}

/**
 * The SQL that leads from one schema to another, empty when they are the same. The database is only connected to.
 * Shadow databases are of no use here: the PostgreSQL adapter cannot read the catalogue's "char" columns.
 *
 * @param from text of a Prisma schema; undefined: an empty database
 */
export function schemaDifference(databaseUrl: string, from: string | undefined, to: string): Promise<string> {
  const target = (content: string) => ({
    tag: 'schemaDatamodel' as const,
    files: [{ path: 'schema.prisma', content }],
  });
  return withEngine(databaseUrl, async (engine) => {
    const start = from === undefined ? { tag: 'empty' as const } : target(from);
    const { stdout } = await engine.diff({
      from: start,
      to: target(to),
      script: true,
      exitCode: null,
      filters,
    });
    return (stdout ?? '').replace(/^-- This is an empty migration\.\s*$/m, '');
  });
}
