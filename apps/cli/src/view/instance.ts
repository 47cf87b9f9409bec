import type { InstanceView } from '#contract';
import { configurationFacts } from './configuration.js';
import { type InstanceState, instanceLifecycle } from '#core';
import { installationText, tryText } from './installation.js';
import { failureLines, lastErrorText } from './last-error.js';
import { markText, powerText } from './machine.js';
import type { Palette, Tone } from './palette.js';
import { age, duration, localTime, secondsSince } from './quantities.js';
import { columns, facts } from './table.js';

function toneOf(state: InstanceState): Tone {
  const { kind } = instanceLifecycle[state];
  if (kind === 'failed') return 'bad';
  if (kind === 'work') return 'busy';
  return state === 'active' ? 'good' : 'faint';
}

function stateText({ state, installation }: InstanceView, palette: Palette): string {
  const stage = installation ? ` ${installationText(installation)}` : '';
  return palette.paint(toneOf(state), state) + palette.paint('faint', stage);
}

/** ` locked, stopping`, after the state in a list. */
function hintsText({ locked, powerOrder }: InstanceView, palette: Palette): string {
  const hints = [...(locked ? ['locked'] : []), ...(powerOrder ? [powerOrder] : [])];
  return hints.length === 0 ? '' : ` ${palette.paint('busy', hints.join(', '))}`;
}

export function instanceTable(instances: InstanceView[], palette: Palette, now: Date): string {
  if (instances.length === 0) return 'No instances. Make one with: dodai spawn --help\n';
  const table = columns(
    ['HOST NAME', 'ID', 'STATE', 'MACHINE', 'ADDRESS', 'IMAGE', 'TYPE', 'CLUSTER', 'CREATED'].map((heading) =>
      palette.paint('strong', heading),
    ),
    instances.map((instance) => [
      instance.hostName,
      instance.id,
      stateText(instance, palette) + hintsText(instance, palette),
      instance.machine?.name ?? '-',
      instance.machine?.pxeIp ?? '-',
      instance.image?.name ?? '-',
      instance.instanceType,
      instance.cluster ?? '-',
      age(instance.createdAt, now),
    ]),
  );
  const failing = instances.map(({ hostName, lastError }) => ({ name: hostName, lastError }));
  return [table, ...failureLines(failing, palette)].join('\n');
}

export function instanceDetails(instance: InstanceView, palette: Palette, now: Date): string {
  const { machine, power, installedAt, installation } = instance;
  const took = installedAt && duration(secondsSince(instance.createdAt, new Date(installedAt)));
  return facts([
    ['Host name', palette.paint('strong', instance.hostName)],
    ['Id', instance.id],
    ['State', stateText(instance, palette)],
    ['Installer says', installation?.message],
    ['Awaits', installation?.awaits],
    ['Try', tryText(installation)],
    ['Last error', lastErrorText(instance.lastError, palette, now)],
    ['Locked', markText(instance.locked, now)],
    ['Allowed now', instance.verbs.join(', ')],
    ['Machine', machine && `${machine.name} (${machine.id})`],
    ['Address', machine?.pxeIp],
    ['Power', power && powerText({ power, powerOrder: instance.powerOrder }, palette, now)],
    ['Image', instance.image && `${instance.image.name} (${instance.image.id})`],
    ['Instance type', instance.instanceType],
    ['Installed by', instance.installMethod],
    ['Cluster', instance.cluster ?? (instance.pooled ? 'none (waits in the pool)' : 'none (resource pool)')],
    ['VLAN', instance.vlanId],
    ...configurationFacts(instance.configuration),
    ['Created', localTime(instance.createdAt)],
    ['Took over', instance.reusedInstanceId && `the OS of ${instance.reusedInstanceId}`],
    ['Installed', installedAt && `${localTime(installedAt)}, after ${took}`],
    ['Deleted', instance.deletedAt && localTime(instance.deletedAt)],
  ]);
}
