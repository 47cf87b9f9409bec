import type { MachineView } from '#contract';
import type { DodaiClient } from '../../apps/cli/src/client.js';
import type { Slot } from './simulated-rack.js';

/** Small, so that any image fits and no disk is too small. */
export const simulatedType = {
  name: 'simulated',
  vcpus: 1,
  memoryMb: 1024,
  localGb: 8,
  rootSizeMib: 2048,
  swapSizeMib: 128,
  kdumpSizeMib: 64,
  wipeMode: 'quick',
} as const;

/** Enrols machines through the API, all in one request, with the instance type above. Their BMCs are being tried when this returns. */
export async function enrol(client: DodaiClient, slots: readonly Slot[]): Promise<MachineView[]> {
  await client.createInstanceType(simulatedType).catch(async () => client.instanceType(simulatedType.name));
  const headings = [
    'name',
    'instanceType',
    'pxeMac',
    'pxeIp',
    'bmcHost',
    'bmcPort',
    'bmcUser',
    'bmcPassword',
  ];
  const rows = slots.map(({ machine, bmc: { address } }) =>
    [
      ...[machine.name, simulatedType.name, machine.mac, machine.address],
      ...[address.host, address.port, address.user, address.password.reveal()],
    ].join(','),
  );
  return (await client.importMachines([headings.join(','), ...rows].join('\n'), 'csv')).machines;
}

/** Resolves when so many different machines have come to this state, from the beginning of the timeline on. */
export async function untilInState(
  client: DodaiClient,
  state: MachineView['state'],
  count: number,
): Promise<void> {
  const there = new Set<string>();
  for await (const { machineId, data } of client.followEvents({ after: '0' })) {
    if (machineId !== null && data.to === state) there.add(machineId);
    if (there.size >= count) return;
  }
}
