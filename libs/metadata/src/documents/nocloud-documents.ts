import type { DescribedInstance, InstanceData } from '../described-instance.js';
import { networkConfig } from '../network/network-config.js';
import { resolvedNetwork } from '../network/resolved-network.js';
import { cloudInitYaml } from './cloud-init-yaml.js';
import { document, folder, type TreeFolder } from './document-tree.js';

const empty = Buffer.alloc(0);

/**
 * The seed of cloud-init's NoCloud source: four documents. It gives up without user data, and over the network older ones without
 * vendor data too: both are always there, empty when there is nothing to tell.
 */
export function noCloudFolder(instance: DescribedInstance, data: InstanceData): TreeFolder {
  return folder({
    'meta-data': document(cloudInitYaml(metaData(instance)), 'application/yaml'),
    'user-data': document(data.userData ?? empty, 'application/octet-stream'),
    'vendor-data': document(data.vendorData ?? empty, 'application/octet-stream'),
    'network-config': document(networkConfig(resolvedNetwork(instance)), 'application/yaml'),
  });
}

/** NoCloud has no place for files: what an owner asks for reaches the OS by config drive, OpenStack's form, or the installer. */
const metaData = (instance: DescribedInstance) => ({
  'instance-id': instance.id,
  'local-hostname': instance.hostName,
  hostname: instance.hostName,
  'availability-zone': instance.availabilityZone,
  'instance-type': instance.instanceType,
  'launch-index': instance.configuration.launchIndex,
  'public-keys': instance.configuration.sshKeys,
  meta: instance.configuration.metadata,
});
