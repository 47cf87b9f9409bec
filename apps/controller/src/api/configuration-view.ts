import { createHash } from 'node:crypto';
import type { ConfigurationDefaultsView, ConfigurationView } from '#contract';
import type { ConfigurationLayer, ConfiguredFile, Instance, PartOrItem, UserDataWithItems } from '#core';
import type { ConfigurationDefaults } from '#store';

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** Password, user data and files are told of and not shown: they hold what only the OS and its owner are to know. */
export function configurationViewOf(
  { configuration, configurationSources: sources }: Instance,
  readyMadeDrive: boolean,
): ConfigurationView {
  const { sshKeys, passwordHash, userData, vendorData, files, metadata, network, launchIndex, configDrive } =
    configuration;
  return {
    sshKeys,
    hasPassword: passwordHash !== null,
    userData: userData && userDataViewOf(userData),
    vendorData: vendorData.map(partViewOf),
    files: files.map(fileViewOf),
    metadata,
    network,
    launchIndex,
    configDrive,
    readyMadeDrive,
    sources,
  };
}

/** What was left out is left out. */
export function defaultsViewOf({
  scope,
  name,
  layer,
  updatedAt,
  updatedBy,
}: ConfigurationDefaults): ConfigurationDefaultsView {
  return { scope, name, ...layerViewOf(layer), updatedAt: updatedAt.toISOString(), updatedBy };
}

function layerViewOf({ passwordHash, userData, vendorData, files, ...same }: ConfigurationLayer) {
  return {
    ...same,
    hasPassword: passwordHash !== undefined,
    ...(userData && { userData: userDataViewOf(userData) }),
    ...(vendorData && { vendorData: vendorData.map(partViewOf) }),
    ...(files && { files: files.map(fileViewOf) }),
  };
}

function userDataViewOf(userData: UserDataWithItems): NonNullable<ConfigurationView['userData']> {
  if (userData.kind === 'parts') return { bytes: null, sha256: null, parts: userData.parts.map(partViewOf) };
  const bytes = Buffer.from(userData.base64, 'base64');
  return { bytes: bytes.length, sha256: sha256(bytes), parts: null };
}

function partViewOf(part: PartOrItem): ConfigurationView['vendorData'][number] {
  const item =
    part.item && (part.item.version === null ? part.item.name : `${part.item.name}@${part.item.version}`);
  if (!('content' in part))
    return { item: item ?? null, type: null, fileName: null, template: null, bytes: null };
  const { type, fileName, template, content } = part;
  return { type, fileName, template, item: item ?? null, bytes: Buffer.byteLength(content) };
}

function fileViewOf({ path, mode, owner, base64 }: ConfiguredFile): ConfigurationView['files'][number] {
  const content = Buffer.from(base64, 'base64');
  return { path, mode, owner, bytes: content.length, sha256: sha256(content) };
}
