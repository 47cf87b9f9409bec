import { type ConfiguredFile, DomainError } from '#core';
import type { DescribedInstance, InstanceData } from '../described-instance.js';
import { networkData } from '../network/network-data.js';
import { resolvedNetwork } from '../network/resolved-network.js';
import { contentName } from './content-name.js';
import { document, folder, jsonDocument, type TreeFolder, type TreeNode } from './document-tree.js';
import { openStackMetaData } from './openstack-meta-data.js';
import { type OpenStackVersion, openStackVersions, since } from './openstack-versions.js';

/**
 * The folder `openstack`, of config drives and of the metadata service alike. Every version has just what it had when nova brought
 * it out; but for that, a reader that takes the newest date it knows finds the same there as in `latest`.
 */
export function openStackFolder(instance: DescribedInstance, data: InstanceData): TreeFolder {
  const files = contentFiles(instance.configuration.files);
  const shared = {
    user_data: data.userData && document(data.userData, 'application/octet-stream'),
    vendor_data: vendorDataDocument(data.vendorData),
    network_data: jsonDocument(networkData(resolvedNetwork(instance))),
  };
  const versions = openStackVersions.map((version) => [version, versionEntries(version, instance, shared)]);
  // Versions are listed without a slash: readers look for the bare date.
  return folder(
    { ...Object.fromEntries(versions), content: files },
    { ...Object.fromEntries(openStackVersions.map((version) => [version, version])), content: null },
  );
}

interface Shared {
  user_data: TreeNode | null;
  vendor_data: TreeNode;
  network_data: TreeNode;
}

const versionEntries = (version: OpenStackVersion, instance: DescribedInstance, shared: Shared) =>
  folder({
    'meta_data.json': jsonDocument(openStackMetaData(instance, version)),
    user_data: shared.user_data,
    'vendor_data.json': since('2013-10-17', version) ? shared.vendor_data : null,
    'network_data.json': since('2015-10-15', version) ? shared.network_data : null,
    // For what services of the operator add at every start of a machine: dodai has none.
    'vendor_data2.json': since('2016-10-06', version) ? jsonDocument({}) : null,
  });

/** cloud-init reads the key with its name; other readers find keys of their own, or none. */
function vendorDataDocument(vendorData: Buffer | null): TreeNode {
  return jsonDocument(vendorData === null ? {} : { 'cloud-init': textOf(vendorData) });
}

function textOf(vendorData: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(vendorData);
  } catch (cause) {
    throw new DomainError('invalid-request', 'vendor data is not UTF-8, so JSON cannot carry it', {
      remedy: 'give it as text, not packed',
      context: { field: 'vendorData' },
      cause,
    });
  }
}

/** The bytes that `content_path` in meta_data.json leads to. */
function contentFiles(files: ConfiguredFile[]): TreeNode | null {
  if (files.length === 0) return null;
  return folder(
    Object.fromEntries(
      files.map(({ base64 }, index) => [
        contentName(index),
        document(Buffer.from(base64, 'base64'), 'application/octet-stream'),
      ]),
    ),
  );
}
