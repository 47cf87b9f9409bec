import {
  document,
  ec2Folder,
  folder,
  noCloudFolder,
  openStackFolder,
  type TreeFolder,
  type TreeNode,
  vendorFolder,
} from '#metadata';
import type { Described } from '#provisioning';

/** Nova has it since then. */
const firstWithPassword = '2013-04-04';

/**
 * All that one instance may read, in every style. The top lists EC2's versions and nothing else, as EC2 and nova do: guests take each
 * line of it for a version.
 */
export function serviceTree({ instance, data }: Described, namespace: string): TreeFolder {
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
