import type { MachineView } from '#contract';
import { type MachineState, type PowerState, machineLifecycle } from '#core';
import { installationText, tryText } from './installation.js';
import { failureLines, lastErrorText } from './last-error.js';
import { lastWipeText } from './last-wipe.js';
import type { Palette, Tone } from './palette.js';
import { age, localTime, mebibytes } from './quantities.js';
import { columns, facts } from './table.js';

function toneOf(state: MachineState): Tone {
  const { kind } = machineLifecycle[state];
  if (kind === 'failed') return 'bad';
  if (kind === 'work') return 'busy';
  return state === 'active' || state === 'used' ? 'good' : 'plain';
}

const powerTones: Record<PowerState, Tone> = { on: 'good', off: 'plain', unknown: 'faint' };

function stateText({ state, installation }: MachineView, palette: Palette): string {
  const stage = installation ? ` ${installationText(installation)}` : '';
  return palette.paint(toneOf(state), state) + palette.paint('faint', stage);
}

/** ` locked, maintenance`, after the state in a list. */
function marksText({ locked, maintenance }: MachineView, palette: Palette): string {
  const marks = [...(locked ? ['locked'] : []), ...(maintenance ? ['maintenance'] : [])];
  return marks.length === 0 ? '' : ` ${palette.paint('busy', marks.join(', '))}`;
}

type Mark = NonNullable<MachineView['locked']>;

/** `the audit runs until Friday (by admin, 3m05s ago)` */
export function markText(mark: Mark | null, now: Date): string | null {
  return mark && `${mark.reason} (by ${mark.by}, ${age(mark.at, now)})`;
}

/** The power state is what the BMC said last, so it comes with its age. */
export function powerText(
  { power, powerOrder }: Pick<MachineView, 'power' | 'powerOrder'>,
  palette: Palette,
  now: Date,
): string {
  const seen = power.at === null ? '' : ` ${palette.paint('faint', age(power.at, now))}`;
  const order = powerOrder === null ? '' : `, ${palette.paint('busy', powerOrder)}`;
  return palette.paint(powerTones[power.state], power.state) + seen + order;
}

export function machineTable(machines: MachineView[], palette: Palette, now: Date): string {
  if (machines.length === 0) return 'No machines. Enrol one with: dodai machines add --help\n';
  const table = columns(
    ['NAME', 'STATE', 'SINCE', 'POWER', 'TYPE', 'BMC', 'PXE MAC', 'ZONE'].map((heading) =>
      palette.paint('strong', heading),
    ),
    machines.map((machine) => [
      machine.name,
      stateText(machine, palette) + marksText(machine, palette),
      age(machine.stateSince, now),
      powerText(machine, palette, now),
      machine.instanceType,
      `${machine.bmcHost}${machine.bmcPort === 623 ? '' : `:${machine.bmcPort}`}`,
      machine.pxeMac,
      machine.availabilityZone,
    ]),
  );
  return [table, ...failureLines(machines, palette)].join('\n');
}

const pair = (first: string | number | null, second: string | number | null) =>
  first === null && second === null ? null : `${first ?? '-'}, ${second ?? '-'}`;

const assignments = (values: object | null) =>
  values &&
  Object.entries(values)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(', ');

export function machineDetails(machine: MachineView, palette: Palette, now: Date): string {
  const { installation } = machine;
  return facts([
    ['Name', palette.paint('strong', machine.name)],
    ['Id', machine.id],
    ['State', `${stateText(machine, palette)} (${age(machine.stateSince, now)})`],
    ['Awaits', installation?.awaits && `${installation.awaits}${untilText(installation.awaitsUntil)}`],
    ['Try', tryText(installation)],
    ['Last error', lastErrorText(machine.lastError, palette, now)],
    ['Failed at', machine.failedStage],
    ['Maintenance', markText(machine.maintenance, now)],
    ['Locked', markText(machine.locked, now)],
    ['Allowed now', machine.verbs.join(', ') || 'nothing'],
    ['Power', powerText(machine, palette, now)],
    ['BMC fault', lastErrorText(machine.bmcFault, palette, now)],
    ['Instance', machine.instanceId],
    ['Instance type', machine.instanceType],
    ['Capacity', `${machine.vcpus} CPUs, ${mebibytes(machine.memoryMb)} memory, ${machine.localGb} GB disk`],
    ['Zone', machine.availabilityZone],
    [
      'BMC',
      `${machine.bmcUser} at ${machine.bmcHost}:${machine.bmcPort}, cipher suite ${machine.bmcCipherSuite}`,
    ],
    ['Boot mode', machine.bootMode],
    ['PXE', `${machine.pxeMac}${machine.pxeIp ? `, ${machine.pxeIp}` : ''}`],
    ['Storage MAC, IP', pair(machine.storageMac, machine.storageIp)],
    ['Service IP', machine.serviceIp],
    ['Service MACs', pair(machine.serviceMac1, machine.serviceMac2)],
    ['Switch ports', pair(machine.switchPort1, machine.switchPort2)],
    ['Switch ids', pair(machine.dpid1, machine.dpid2)],
    ['VLAN', machine.vlanId],
    ['Root disk', assignments(machine.rootDeviceHint) ?? 'the smallest that fits'],
    ['Last wipe', lastWipeText(machine.lastWipe, now)],
    ['Labels', assignments(machine.labels)],
    ['Enrolled', localTime(machine.createdAt)],
  ]);
}

const untilText = (at: string | null) => (at === null ? '' : `, until ${localTime(at)}`);
