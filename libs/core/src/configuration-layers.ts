import type {
  ConfigurationLayer,
  ConfigurationSource,
  ConfigurationSources,
  ConfiguredFile,
} from './instance-configuration.js';

/** What one source says. */
export interface SourcedLayer {
  source: ConfigurationSource;
  layer: ConfigurationLayer;
}

/** What all of them say together, and which one said what. */
export interface LayeredConfiguration {
  configuration: ConfigurationLayer;
  sources: ConfigurationSources;
}

/**
 * Puts layers together, the most general first. Of what has one value (password, user data, network, config drive) the last one
 * counts; keys and vendor data of all of them are taken, one after another, each once; metadata and files go by key and path.
 */
export function layered(layers: readonly SourcedLayer[]): LayeredConfiguration {
  const result: LayeredConfiguration = { configuration: {}, sources: {} };
  for (const sourced of layers) {
    singles(result, sourced);
    lists(result, sourced);
    keyed(result, sourced);
  }
  return result;
}

function singles({ configuration, sources }: LayeredConfiguration, { source, layer }: SourcedLayer): void {
  const { passwordHash, userData, network, configDrive } = layer;
  for (const [field, value] of Object.entries({ passwordHash, userData, network, configDrive })) {
    if (value === undefined) continue;
    Object.assign(configuration, { [field]: value });
    sources[field] = source;
  }
}

/** A key that was there already stays the one that it was. */
function lists({ configuration, sources }: LayeredConfiguration, { source, layer }: SourcedLayer): void {
  const keys = (configuration.sshKeys ??= []);
  for (const key of layer.sshKeys ?? [])
    if (!keys.includes(key)) sources[`sshKeys.${keys.push(key) - 1}`] = source;
  const parts = (configuration.vendorData ??= []);
  for (const part of layer.vendorData ?? []) sources[`vendorData.${parts.push(part) - 1}`] = source;
}

function keyed({ configuration, sources }: LayeredConfiguration, { source, layer }: SourcedLayer): void {
  const metadata = { ...configuration.metadata, ...layer.metadata };
  const files = new Map<string, ConfiguredFile>();
  for (const file of [...(configuration.files ?? []), ...(layer.files ?? [])]) files.set(file.path, file);
  Object.assign(configuration, { metadata, files: [...files.values()] });
  for (const key of Object.keys(layer.metadata ?? {})) sources[`metadata.${key}`] = source;
  for (const { path } of layer.files ?? []) sources[`files.${path}`] = source;
}
