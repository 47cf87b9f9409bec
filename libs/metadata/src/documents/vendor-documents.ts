import type { DescribedInstance, InstanceData } from '../described-instance.js';
import { document, folder, jsonDocument, type TreeFolder, versionFolder } from './document-tree.js';
import { ec2ValueFolder } from './ec2-documents.js';
import { ec2MetaData, type Ec2Values } from './ec2-meta-data.js';

/** `1.0` is what `latest` is until its form changes. */
const vendorVersions = ['1.0', 'latest'] as const;

/**
 * What stands below a vendor's own namespace: for guest scripts that want single values without knowing a cloud's form. The names
 * are EC2's, with the owner's own metadata below `meta/`.
 */
export function vendorFolder(instance: DescribedInstance, data: InstanceData): TreeFolder {
  const values = vendorValues(instance);
  const version = folder({
    meta_data: ec2ValueFolder(instance, values),
    'meta_data.json': jsonDocument(values),
    user_data: data.userData && document(data.userData, 'application/octet-stream'),
  });
  return versionFolder(Object.fromEntries(vendorVersions.map((name) => [name, version])));
}

function vendorValues(instance: DescribedInstance): Ec2Values {
  const { metadata } = instance.configuration;
  return {
    ...ec2MetaData(instance, 'latest'),
    ...(instance.cluster !== null && { cluster: instance.cluster }),
    ...(Object.keys(metadata).length > 0 && { meta: metadata }),
  };
}
