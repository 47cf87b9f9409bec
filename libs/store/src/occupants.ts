import { instanceStates } from '#core';
import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { GroupedQueries } from './grouped-queries.js';
import { isNobodys } from './unavailable.js';

/** An instance that is on a machine now, and whose OS may read what it was given. */
export interface Occupant {
  instanceId: string;
  machineId: string;
  /** Changes whenever something that its documents are made from does. */
  revision: string;
  /** When the machine came into its present state or stage. */
  since: Date;
}

/** By what an occupant is known. */
type Sign = 'address' | 'mac' | 'instance';
type Values = readonly string[];
type Row = Omit<Occupant, 'revision'> & { sign: string; updatedAt: Date };

/** Each answers `sign` and `machine_id`. An address may be several machines' in different networks, and a MAC by a slip. */
const bySign: Record<Sign, (values: Values) => Prisma.Sql> = {
  address: (values) => Prisma.sql`
    SELECT unnest(ARRAY[pxe_ip, storage_ip, service_ip]) AS sign, id AS machine_id FROM machines
    WHERE pxe_ip = ANY(${values}) OR storage_ip = ANY(${values}) OR service_ip = ANY(${values})
    UNION ALL
    SELECT a.address AS sign, m.id AS machine_id FROM instance_addresses a JOIN machines m USING (instance_id)
    WHERE a.address = ANY(${values})`,
  mac: (values) => Prisma.sql`
    SELECT unnest(ARRAY[pxe_mac, storage_mac, service_mac1, service_mac2]) AS sign, id AS machine_id FROM machines
    WHERE pxe_mac = ANY(${values}) OR storage_mac = ANY(${values})
       OR service_mac1 = ANY(${values}) OR service_mac2 = ANY(${values})`,
  instance: (values) => Prisma.sql`
    SELECT instance_id::text AS sign, id AS machine_id FROM machines WHERE instance_id = ANY(${values}::uuid[])`,
};

/** One that is being deleted has lost its machine already: what comes from there now is the wipe, or its next owner. */
const present = instanceStates.filter((state) => state !== 'deleting' && state !== 'deleted');

/**
 * Who is where at this very moment. Nothing is kept: a machine may have another owner within milliseconds. A crowd that asks at once
 * is answered with few queries.
 */
export class Occupants {
  private readonly queries: Record<Sign, GroupedQueries<string, Occupant[]>>;

  constructor(private readonly database: Database) {
    const reader = (sign: Sign) =>
      new GroupedQueries<string, Occupant[]>((values) => this.read(sign, values), { isForAll: isNobodys });
    this.queries = { address: reader('address'), mac: reader('mac'), instance: reader('instance') };
  }

  /** Those that the inventory or their own configuration gives this address. */
  at(address: string): Promise<Occupant[]> {
    return this.queries.address.add(address);
  }

  /** Those on machines that have a card with this MAC (lower case, colons). */
  withMac(mac: string): Promise<Occupant[]> {
    return this.queries.mac.add(mac);
  }

  /** @param instanceId a UUID */
  async byInstance(instanceId: string): Promise<Occupant | undefined> {
    return (await this.queries.instance.add(instanceId))[0];
  }

  private async read(sign: Sign, values: Values): Promise<Occupant[][]> {
    const rows = await this.database.client.$queryRaw<Row[]>`
      SELECT DISTINCT place.sign, i.id AS "instanceId", m.id AS "machineId", m.updated_at AS "updatedAt",
        coalesce(m.stage_since, m.state_since) AS since
      FROM (${bySign[sign](values)}) AS place
      JOIN machines m ON m.id = place.machine_id
      JOIN instances i ON i.id = m.instance_id
      WHERE place.sign = ANY(${values}) AND i.state = ANY(${present}::"InstanceState"[])`;
    const found = new Map<string, Occupant[]>(values.map((value) => [value, []]));
    for (const { sign: value, updatedAt, ...occupant } of rows)
      found.get(value)?.push({ ...occupant, revision: updatedAt.toISOString() });
    return values.map((value) => found.get(value) ?? []);
  }
}
