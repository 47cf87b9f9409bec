import type { DescribedInstance, InstanceData } from '../described-instance.js';
import { folder, type TreeFolder } from './document-tree.js';
import { ec2DriveFolder } from './ec2-documents.js';
import { openStackFolder } from './openstack-documents.js';

/** All that a config drive holds. */
export const configDriveFolder = (instance: DescribedInstance, data: InstanceData): TreeFolder =>
  folder({ openstack: openStackFolder(instance, data), ec2: ec2DriveFolder(instance, data) });
