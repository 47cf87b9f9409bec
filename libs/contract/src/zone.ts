import { z } from 'zod';
import { clusterPattern, vlanMax, vlanMin } from './fields.js';

/** Where an instance is to be, as the string of orchestrators says it. */
export interface Zone {
  /** null: the resource pool. */
  cluster: string | null;
  vlanId: number | null;
  /** Whether the cluster may begin with this instance: the leading `C`. */
  createCluster: boolean;
}

export const resourcePool = 'resource_pool';

const forms = `${resourcePool}, CLUSTER,VLAN or C,CLUSTER,VLAN`;

/**
 * Reads `resource_pool`, `CLUSTER,VLAN` and `C,CLUSTER,VLAN`; the leading `C` lets the cluster begin. A cluster may
 * itself be called C: only the first of three words is the sign. What is wrong comes back in words.
 */
export function parseZone(text: string): Zone | { fault: string } {
  if (text === resourcePool) return { cluster: null, vlanId: null, createCluster: false };
  const words = text.split(',');
  const createCluster = words.length === 3 && words[0] === 'C';
  const [cluster = '', vlan = '', ...more] = createCluster ? words.slice(1) : words;
  if (words.length < 2 || more.length > 0) return { fault: `is not a zone: ${forms}` };
  if (!clusterPattern.test(cluster))
    return { fault: `names the cluster "${cluster}", which is no name: letters, digits, . _ -; at most 63` };
  const vlanId = /^[1-9]\d{0,3}$/.test(vlan) ? Number(vlan) : NaN;
  if (!(vlanId >= vlanMin && vlanId <= vlanMax))
    return { fault: `has the VLAN "${vlan}", which is none: ${vlanMin} to ${vlanMax}` };
  return { cluster, vlanId, createCluster };
}

/** The other way round. A cluster without a VLAN has no such string. */
export function zoneText({ cluster, vlanId, createCluster }: Zone): string {
  if (cluster === null) return resourcePool;
  return [...(createCluster ? ['C'] : []), cluster, String(vlanId)].join(',');
}

export const zone = z
  .string()
  .max(128)
  .transform((text, { issues }): Zone => {
    const parsed = parseZone(text);
    if (!('fault' in parsed)) return parsed;
    issues.push({ code: 'custom', message: parsed.fault, input: text });
    return z.NEVER;
  })
  .meta({
    description: `${forms}; the leading C lets the cluster begin with this instance. Or say it with the fields`,
    examples: ['C,blue,12'],
  });
