import { readFile } from 'node:fs/promises';
import { DomainError } from '#core';
import type { AnySchema, ValidateFunction } from 'ajv';
import { type SchemaFault, schemaFaults } from './schema-faults.js';
import { ajvFor, type Deprecation, DeprecationFinder } from './schema-validator.js';

/** cloud-init's own JSON schema of cloud-config, of whatever version it is. */
export class CloudConfigSchema {
  private readonly validate: ValidateFunction;
  private readonly deprecations: DeprecationFinder;
  private readonly topLevelKeys: ReadonlySet<string>;

  /** Throws an Error when this is no JSON schema. */
  constructor(schema: AnySchema) {
    this.validate = ajvFor(schema as object, true).compile(schema);
    this.deprecations = new DeprecationFinder(schema);
    this.topLevelKeys = new Set(keysOf(schema, schema));
  }

  /** Throws DomainError `cloud-config-schema-unreadable`. */
  static async read(path: string): Promise<CloudConfigSchema> {
    try {
      return new CloudConfigSchema(JSON.parse(await readFile(path, 'utf8')) as AnySchema);
    } catch (cause) {
      throw new DomainError(
        'cloud-config-schema-unreadable',
        `The schema of cloud-config, ${path}, cannot be used.`,
        {
          context: { path },
          remedy:
            'Run tools/unpack-cloud-init.sh, or let DODAI_CLOUD_CONFIG_SCHEMA name the schema of a cloud-init.',
          cause,
        },
      );
    }
  }

  faults(config: unknown): SchemaFault[] {
    return this.validate(config) ? [] : schemaFaults(this.validate.errors ?? []);
  }

  /** Of a document that has no faults. */
  deprecated(config: unknown): Deprecation[] {
    return this.deprecations.of(config);
  }

  /** Whether a module of cloud-init reads this key. */
  knows(key: string): boolean {
    return this.topLevelKeys.has(key) || unlistedKeys.has(key);
  }
}

/** What cloud-init reads and its older schemas do not list. */
const unlistedKeys = new Set([
  'datasource',
  'datasource_list',
  'debug',
  'disable_vmware_customization',
  'launch-index',
  'log_cfgs',
  'manage-resolv-conf',
  'merge_how',
  'merge_type',
  'network',
  'output',
  'reporting',
  'syslog_fix_perms',
  'system_info',
  'users',
  'vendor_data2',
  'version',
]);

interface SchemaNode {
  $ref?: string;
  properties?: object;
  allOf?: SchemaNode[];
}

/** The keys that the parts of a schema name for the whole document. */
function keysOf(node: SchemaNode | AnySchema, root: AnySchema): string[] {
  const { $ref, properties, allOf } = node as SchemaNode;
  const own = Object.keys(properties ?? {});
  const referred = $ref === undefined ? [] : [resolved($ref, root)];
  return [...own, ...[...referred, ...(allOf ?? [])].flatMap((each) => keysOf(each, root))];
}

function resolved(reference: string, root: AnySchema): SchemaNode {
  const steps = reference.replace(/^#\//, '').split('/');
  const found = steps.reduce<unknown>(
    (node, step) => (node as Record<string, unknown> | undefined)?.[step],
    root,
  );
  return (found ?? {}) as SchemaNode;
}
