import type { DescribedInstance } from '../described-instance.js';
import { contentName } from './content-name.js';
import { type OpenStackVersion, since } from './openstack-versions.js';
import { publicKeys } from './public-keys.js';

/** meta_data.json of one version. No admin_pass: the password itself is kept nowhere. */
export function openStackMetaData(instance: DescribedInstance, version: OpenStackVersion) {
  const { configuration } = instance;
  const keys = publicKeys(configuration.sshKeys);
  return {
    uuid: instance.id,
    name: instance.hostName,
    hostname: instance.hostName,
    launch_index: configuration.launchIndex,
    availability_zone: instance.availabilityZone,
    meta: configuration.metadata,
    public_keys: Object.fromEntries(keys.map(({ name, key }) => [name, key])),
    keys: keys.map(({ name, key }) => ({ name, type: 'ssh', data: key })),
    files: configuration.files.map(({ path }, index) => ({
      path,
      content_path: `/content/${contentName(index)}`,
    })),
    ...(since('2013-04-04', version) && { random_seed: instance.randomSeed }),
    ...(since('2015-10-15', version) && { project_id: instance.cluster ?? '' }),
    ...(since('2016-06-30', version) && { devices: devices(instance) }),
    // Of a physical machine all are; nova, too, names none unless it pins virtual ones.
    ...(since('2020-10-14', version) && { dedicated_cpus: [] }),
  };
}

/** Cards by what the inventory uses them for. Where they are plugged in, it does not know. */
const devices = ({ nics }: DescribedInstance) =>
  nics.map(({ role, mac }) => ({ type: 'nic', bus: 'none', address: 'none', mac, tags: [role] }));
