import type { BootMode, Machine } from '#core';
import { type Machine as Row, Prisma } from './generated/client.js';
import { machineColumns } from './machine-columns.js';
import { toMachine } from './rows.js';
import type { Transaction } from './transitions.js';

/** What a machine must be like to be chosen. */
export interface Wanted {
  instanceType: string;
  imageId: string;
  /** The disk that its partitions need, and more when more was asked for. */
  minLocalGb: number;
  /** It is installed on two disks. */
  mirrored?: boolean;
  /** Firmware that the image starts on; undefined: nobody knows. */
  bootModes?: BootMode[];
  minVcpus?: number;
  minMemoryMb?: number;
  /** Every one must be there with this value. */
  labels?: Record<string, string>;
  /** Only this machine will do. */
  machineId?: string;
  /** No machine whose label of this name has the value of one that the cluster has already. */
  antiAffinity?: string;
  cluster: string | null;
  /** A machine that waits in the pool will do; false for what is itself to wait there. */
  fromPool: boolean;
}

/** `reuse`: the OS that waits there is handed over. `replace`: a pool machine with another image is installed anew. */
export type Way = 'reuse' | 'install' | 'replace';
export interface Choice {
  machine: Machine;
  way: Way;
}

/** One demand on a machine `m`, with the instance `i` on it, in words and in SQL: told and decided by the same list. */
interface Demand {
  /** Why a machine that does not meet it is passed over. */
  reason: string;
  met: Prisma.Sql;
}

const pooled = Prisma.sql`(m.state = 'active' AND i.pooled AND i.state IN ('active', 'stopped'))`;

/** The demands that hold whichever way the machine is taken. */
function demandsOf(wanted: Wanted): Demand[] {
  const {
    machineId,
    instanceType,
    labels = {},
    minVcpus = 0,
    minMemoryMb = 0,
    minLocalGb,
    bootModes,
  } = wanted;
  return [
    ...(machineId === undefined
      ? []
      : [{ reason: 'is not the one asked for', met: Prisma.sql`m.id = ${machineId}::uuid` }]),
    { reason: `is not a ${instanceType}`, met: Prisma.sql`m.instance_type = ${instanceType}` },
    { reason: 'is in maintenance', met: Prisma.sql`m.maintenance IS NULL` },
    { reason: 'is locked', met: Prisma.sql`m.locked IS NULL` },
    ...Object.entries(labels).map(([key, value]) => ({
      reason: `has no label ${key}=${value}`,
      met: Prisma.sql`m.labels->>${key}::text IS NOT DISTINCT FROM ${value}::text`,
    })),
    { reason: `has fewer than ${minVcpus} CPUs`, met: Prisma.sql`m.vcpus >= ${minVcpus}` },
    { reason: `has less than ${minMemoryMb} MiB of memory`, met: Prisma.sql`m.memory_mb >= ${minMemoryMb}` },
    { reason: `has a disk of less than ${minLocalGb} GB`, met: Prisma.sql`m.local_gb >= ${minLocalGb}` },
    ...(wanted.mirrored === true ? [twoDisks] : []),
    ...(bootModes
      ? [
          {
            reason: `has no ${bootModes.join(' or ')} firmware, which the image needs`,
            met: Prisma.sql`m.boot_mode::text = ANY(${bootModes})`,
          },
        ]
      : []),
    ...apart(wanted),
  ];
}

/** Which disks a machine has is seen once it is on; that its hint means one only is known before. */
const twoDisks: Demand = {
  reason: 'has a root device hint that names one disk, and RAID 1 takes two',
  met: Prisma.sql`m.root_device_hint IS NULL
    OR NOT jsonb_exists_any(m.root_device_hint, ARRAY['serial', 'wwn', 'path'])`,
};

function apart({ antiAffinity: label, cluster }: Wanted): Demand[] {
  if (label === undefined) return [];
  return [
    { reason: `has no label ${label}`, met: Prisma.sql`m.labels->>${label}::text IS NOT NULL` },
    {
      reason: `shares its ${label} with a machine of the cluster ${cluster}`,
      met: Prisma.sql`m.labels->>${label}::text IS NULL OR NOT EXISTS (
        SELECT FROM instances other JOIN machines its ON its.instance_id = other.id
        WHERE other.cluster = ${cluster} AND other.state <> 'deleted'
        AND its.labels->>${label}::text = m.labels->>${label}::text)`,
    },
  ];
}

/** The ways in the order they are tried: at once, from nothing, instead of another image. */
function waysOf({ fromPool, imageId }: Wanted): { way: Way; condition: Prisma.Sql }[] {
  const install = { way: 'install' as const, condition: Prisma.sql`m.state = 'inactive'` };
  if (!fromPool) return [install];
  const same = Prisma.sql`i.image_id = ${imageId}::uuid`;
  return [
    { way: 'reuse', condition: Prisma.sql`${pooled} AND ${same}` },
    install,
    { way: 'replace', condition: Prisma.sql`${pooled} AND NOT (${same})` },
  ];
}

const joined = Prisma.sql`FROM machines m LEFT JOIN instances i ON i.id = m.instance_id`;
const all = (parts: Prisma.Sql[]) =>
  Prisma.join(
    parts.map((part) => Prisma.sql`(${part})`),
    ' AND ',
  );

/**
 * Takes the lock on the first machine that meets all demands, by name. Machines that others hold are passed over at
 * first; when nothing else is left they are waited for, since they may be held for something that leaves them free.
 */
export async function choose(tx: Transaction, wanted: Wanted): Promise<Choice | null> {
  const demands = demandsOf(wanted).map(({ met }) => met);
  for (const held of [Prisma.sql`SKIP LOCKED`, Prisma.empty]) {
    for (const { way, condition } of waysOf(wanted)) {
      const [row] = await tx.$queryRaw<Row[]>`
        SELECT ${machineColumns} FROM (SELECT m.* ${joined} WHERE ${all([condition, ...demands])}
          ORDER BY m.name LIMIT 1 FOR UPDATE OF m ${held}) AS chosen`;
      if (row) return { machine: toMachine(row), way };
    }
  }
  return null;
}

export interface Assessment {
  machine: Pick<Machine, 'id' | 'name' | 'state'>;
  /** How it would be taken; null: not at all. */
  way: Way | null;
  /** Why it would not be taken. */
  reasons: string[];
}

/** Every machine with what speaks against it, in the order in which they would be tried. */
export async function assess(tx: Transaction, wanted: Wanted): Promise<Assessment[]> {
  const demands = demandsOf(wanted);
  const ways = waysOf(wanted);
  const choice = ways.map(({ way, condition }) => Prisma.sql`WHEN ${condition} THEN ${way}`);
  const met = Prisma.join(demands.map((demand) => Prisma.sql`(${demand.met})`));
  const rows = await tx.$queryRaw<(Assessment['machine'] & { way: Way | null; met: boolean[] })[]>`
    SELECT m.id, m.name, m.state::text AS state, CASE ${Prisma.join(choice, ' ')} END AS way, ARRAY[${met}] AS met
    ${joined} ORDER BY m.name`;
  const assessed = rows.map(({ way, met: each, ...machine }) => {
    const unmet = demands.filter((_demand, index) => each[index] !== true).map(({ reason }) => reason);
    return { machine, way, reasons: way === null ? [`is ${machine.state}`, ...unmet] : unmet };
  });
  const rank = ({ way }: Assessment) => ways.findIndex((candidate) => candidate.way === way);
  return assessed.sort((a, b) => rank(a) - rank(b));
}
