import type { DescribedInstance, InstanceData } from '../described-instance.js';
import { document, folder, jsonDocument, type TreeFolder, versionFolder } from './document-tree.js';
import { ec2MetaData, type Ec2Value, type Ec2Values } from './ec2-meta-data.js';
import { type Ec2Version, ec2Versions } from './ec2-versions.js';
import { publicKeys } from './public-keys.js';

/** EC2's metadata service: every version with `meta-data/`, a document for each value, and `user-data`. */
export function ec2Folder(instance: DescribedInstance, data: InstanceData): TreeFolder {
  const version = (name: Ec2Version) =>
    folder({
      'meta-data': ec2ValueFolder(instance, ec2MetaData(instance, name)),
      'user-data': userData(data),
    });
  return versionFolder(Object.fromEntries(ec2Versions.map((name) => [name, version(name)])));
}

/** The folder `ec2` of a config drive: all values of a version in one document. Older versions nova leaves out, too. */
export function ec2DriveFolder(instance: DescribedInstance, data: InstanceData): TreeFolder {
  const version = (name: Ec2Version) =>
    folder({ 'meta-data.json': jsonDocument(ec2MetaData(instance, name)), 'user-data': userData(data) });
  return folder({ '2009-04-04': version('2009-04-04'), latest: version('latest') });
}

const userData = (data: InstanceData) => data.userData && document(data.userData, 'application/octet-stream');

/** Values as documents. Keys are listed by number and name, `0=name`, and asked for by their number. */
export function ec2ValueFolder(instance: DescribedInstance, values: Ec2Values): TreeFolder {
  const { entries, shown } = valueFolder(values);
  const names = publicKeys(instance.configuration.sshKeys).map(({ name }, index) => [
    index,
    `${index}=${name}`,
  ]);
  const keys = values['public-keys'];
  if (keys === undefined || typeof keys === 'string') return { kind: 'folder', entries, shown };
  const labelled = { ...valueFolder(keys), shown: Object.fromEntries(names) };
  return folder({ ...Object.fromEntries(entries), 'public-keys': labelled }, shown);
}

const valueFolder = (values: Ec2Values): TreeFolder =>
  folder(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, valueNode(value)])));

const valueNode = (value: Ec2Value) => (typeof value === 'string' ? document(value) : valueFolder(value));
