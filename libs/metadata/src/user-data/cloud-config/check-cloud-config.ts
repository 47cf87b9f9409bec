import type { Remarks } from '../finding.js';
import type { CloudConfigSchema } from './cloud-config-schema.js';
import type { DeprecatedSchema } from './schema-validator.js';
import { type Path, pathInWords, YamlText } from './yaml-text.js';

/** Says what is wrong with a text of cloud-config; its first line may say that it is one. No schema: only whether it can be read. */
export function checkCloudConfig(text: string, schema: CloudConfigSchema | null, remarks: Remarks): void {
  const yaml = new YamlText(text);
  const config = readable(yaml, remarks);
  if (/^\s+#cloud-config/i.test(text))
    remarks.fault({
      line: 1,
      column: 1,
      message: 'has something before #cloud-config, which belongs into the first line',
      about: 'schema',
    });
  if (config === undefined || schema === null) return;
  for (const { path, at, message } of schema.faults(config))
    remarks.fault({ path: pathInWords(path), ...yaml.placeOf(path, at), message, about: 'schema' });
  warn(yaml, config, schema, remarks);
}

/** undefined: it is not, and that has been said. */
function readable(yaml: YamlText, remarks: Remarks): Record<string, unknown> | undefined {
  const faults = yaml.faults();
  for (const { message, ...place } of faults) remarks.fault({ ...place, message: `is no YAML: ${message}` });
  if (faults.length > 0) return undefined;
  const config = valueOf(yaml, remarks);
  if (typeof config === 'object' && config !== null && !Array.isArray(config))
    return withPythonTypes(config) as Record<string, unknown>;
  if (config !== undefined)
    remarks.fault({
      ...yaml.placeOf([], 'value'),
      message: config === null ? 'is empty' : 'is no map: cloud-config has the form key: value',
    });
  return undefined;
}

function valueOf(yaml: YamlText, remarks: Remarks): unknown {
  try {
    return yaml.value();
  } catch (error) {
    remarks.fault({ message: `is no YAML that can be used: ${(error as Error).message}` });
    return undefined;
  }
}

/** To the schema, bytes are text and a date is nothing that it knows. */
function withPythonTypes(value: unknown): unknown {
  if (value instanceof Date) return BigInt(value.getTime());
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  if (Array.isArray(value)) return value.map(withPythonTypes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withPythonTypes(each)]));
}

function warn(
  yaml: YamlText,
  config: Record<string, unknown>,
  schema: CloudConfigSchema,
  remarks: Remarks,
): void {
  for (const { key, ...place } of yaml.repeatedKeys())
    remarks.warning({
      ...place,
      path: key,
      message: 'stands here again: only the last one counts',
      about: 'schema',
    });
  for (const key of Object.keys(config).filter((each) => !schema.knows(each)))
    remarks.warning({
      ...yaml.placeOf([key], 'key'),
      path: key,
      message: 'is nothing that a module of cloud-init reads: is it misspelt?',
      about: 'schema',
    });
  for (const { instancePath, schema: saying } of schema.deprecated(config)) {
    const path: Path = instancePath.split('/').slice(1).map(stepOf);
    remarks.warning({
      ...yaml.placeOf(path, 'key'),
      path: pathInWords(path),
      message: deprecation(saying),
      about: 'schema',
    });
  }
}

const stepOf = (step: string) =>
  /^\d+$/.test(step) ? Number(step) : step.replaceAll('~1', '/').replaceAll('~0', '~');

function deprecation({ deprecated_version, deprecated_description, description }: DeprecatedSchema): string {
  const since = deprecated_version === undefined ? '' : ` since ${deprecated_version}`;
  const why = deprecated_description ?? description;
  return why === undefined ? `is deprecated${since}` : `is deprecated${since}: ${why.trim()}`;
}
