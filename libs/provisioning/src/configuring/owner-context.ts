import type { Instance, Machine } from '#core';
import type { Config } from '#platform';
import { guestNetwork } from '#templates';
import { nicsOf } from './cards.js';
import { ownScript } from './own-script.js';

type Settings = Pick<Config, 'publicUrl' | 'metadata'>;

/** What the scripts that make an OS its owner's are told of the owner, freshly installed and handed over alike. */
export function ownerContext(instance: Instance, machine: Machine, settings: Settings) {
  const { hostName, configuration } = instance;
  const { sshKeys, passwordHash, files, network, userData, configDrive } = configuration;
  const script = ownScript(configuration);
  const metadataUrl = metadataUrlOf(settings);
  return {
    hostName,
    sshKeys,
    passwordHash,
    files,
    userData: script,
    needsCloudInit: userData !== null && script === null,
    configDriveUrl: configDrive ? `${settings.publicUrl}/boot/instances/${instance.id}/config-drive` : null,
    metadataUrl,
    network: guestNetwork({ network, nics: nicsOf(machine), metadataUrl }),
  };
}

/** On the host that machines know the controller by; null: there is no such service. */
export function metadataUrlOf({ publicUrl, metadata }: Settings): string | null {
  if (metadata.port === 0) return null;
  return `http://${new URL(publicUrl).hostname}:${metadata.port}`;
}
