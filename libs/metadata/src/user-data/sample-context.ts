import { AnyNamed } from '#templates';
import type { UserDataContext } from './filled-parts.js';

/** Values as an instance has them, for parts that are looked at before there is one. Metadata may have any name. */
export function sampleContext(known: Partial<UserDataContext> = {}): UserDataContext {
  return {
    instanceId: '00000000-0000-4000-8000-000000000000',
    hostName: 'host1',
    localIpv4: '192.0.2.10',
    managementIp: '192.0.2.10',
    availabilityZone: 'zone1',
    cluster: 'cluster1',
    instanceType: 'standard',
    deviceType: 'standard',
    imageId: '00000000-0000-4000-8000-000000000001',
    launchIndex: 0,
    metadata: new AnyNamed(),
    nics: [{ role: 'pxe', mac: '52:54:00:00:00:01', ip: '192.0.2.10' }],
    ...known,
  };
}
