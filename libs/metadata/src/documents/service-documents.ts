import type { DescribedInstance, InstanceData } from '../described-instance.js';
import { document, folder, type TreeFolder, type TreeNode } from './document-tree.js';
import { ec2Folder } from './ec2-documents.js';
import { noCloudFolder } from './nocloud-documents.js';
import { openStackFolder } from './openstack-documents.js';
import { vendorFolder } from './vendor-documents.js';

/** Nova has it since then. */
const firstWithPassword = '2013-04-04';

/**
 * All that one instance may read from the metadata service, in every style. The top lists EC2's versions and nothing else, as EC2 and nova do: guests take each
 * line of it for a version.
 */
export function serviceFolder(
  instance: DescribedInstance,
  data: InstanceData,
  namespace: string,
): TreeFolder {
  const { entries, shown } = ec2Folder(instance, data);
  const others: Record<string, TreeNode> = {
    openstack: withPassword(openStackFolder(instance, data)),
    nocloud: noCloudFolder(instance, data),
    [namespace]: vendorFolder(instance, data),
  };
  const hidden = Object.fromEntries(Object.keys(others).map((name) => [name, null]));
  return folder({ ...Object.fromEntries(entries), ...others }, { ...shown, ...hidden });
}

/** Empty: nova keeps there what a guest encrypted for its owner, and nobody would read it here. */
function withPassword({ entries, shown }: TreeFolder): TreeFolder {
  const versions = [...entries].map(([name, node]): [string, TreeNode] => {
    const has = node.kind === 'folder' && shown[name] === name && name >= firstWithPassword;
    return [
      name,
      has ? folder({ ...Object.fromEntries(node.entries), password: document('') }, node.shown) : node,
    ];
  });
  return folder(Object.fromEntries(versions), shown);
}
