import { DomainError } from '#core';
import type { ProcessRunner } from '#platform';
import { z } from 'zod';

/** The first IPv4 address of each interface. */
export type InterfaceAddresses = Record<string, { address: string; netmask: string }>;

const timeoutMs = 10_000;
const ipAnswer = z.array(
  z.object({
    ifname: z.string(),
    addr_info: z.array(z.object({ local: z.ipv4(), prefixlen: z.int().min(0).max(32) })),
  }),
);

/** Asks iproute2: Node leaves out an interface whose cable is not in, and machines that are off leave it so. */
export async function interfaceAddresses(runner: ProcessRunner): Promise<InterfaceAddresses> {
  const args = ['-json', '-4', 'address', 'show'];
  const { exitCode, stdout, stderr } = await runner.run('ip', args, { timeoutMs });
  if (exitCode !== 0)
    throw new DomainError('internal', `The interfaces of this host could not be listed: ${stderr.trim()}`);
  return parseInterfaceAddresses(stdout);
}

export function parseInterfaceAddresses(answer: string): InterfaceAddresses {
  const entries = ipAnswer.parse(JSON.parse(answer)).flatMap(({ ifname, addr_info: [first] }) => {
    if (!first) return [];
    return [[ifname, { address: first.local, netmask: netmaskOf(first.prefixlen) }] as const];
  });
  return Object.fromEntries(entries);
}

function netmaskOf(prefixLength: number): string {
  return [0, 8, 16, 24]
    .map((bits) => 256 - 2 ** (8 - Math.max(0, Math.min(8, prefixLength - bits))))
    .join('.');
}
