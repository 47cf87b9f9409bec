import type { EventView, InstanceView } from '#contract';
import { describe, expect, it } from 'vitest';
import { Palette } from '../view/palette.js';
import { stageBar } from './stage-bar.js';
import { WorkTimeline } from './work-timeline.js';

const uuid = '3f0c2a8e-6f0b-4a51-9d5e-0c8f7a1b2c3d';
const at = (second: number) => new Date(Date.UTC(2026, 0, 31, 12, 0, second)).toISOString();

const instance: InstanceView = {
  id: uuid,
  hostName: 'db1',
  state: 'building',
  verbs: ['destroy'],
  machine: { id: uuid, name: 'm1', state: 'installing', pxeIp: null },
  power: null,
  powerOrder: null,
  locked: null,
  installation: {
    stage: 'install',
    since: at(31),
    progress: 50,
    message: 'writing the image',
    awaits: 'the next word of the installer',
    attempt: 1,
    retryAt: null,
    awaitsUntil: at(100),
  },
  operatorCall: null,
  image: { id: uuid, name: 'debian-12' },
  instanceType: 'standard',
  installMethod: 'copy',
  cluster: null,
  vlanId: null,
  configuration: {
    sshKeys: [],
    hasPassword: false,
    userData: null,
    vendorData: [],
    files: [],
    metadata: {},
    network: null,
    launchIndex: 0,
    configDrive: false,
    readyMadeDrive: false,
    sources: {},
  },
  pooled: false,
  reusedInstanceId: null,
  lastError: null,
  createdAt: at(0),
  installedAt: null,
  deletedAt: null,
};

function timelineTo(...stages: [kind: string, to: string, second: number][]): WorkTimeline {
  const timeline = new WorkTimeline();
  for (const [index, [kind, to, second]] of stages.entries()) {
    const event: EventView = {
      id: String(index),
      at: at(second),
      kind,
      machineId: uuid,
      instanceId: uuid,
      message: '',
      data: { to },
    };
    timeline.apply(event);
  }
  return timeline;
}

const installing: [string, string, number][] = [
  ['state.changed', 'installing', 0],
  ['stage.changed', 'booting', 1],
  ['stage.changed', 'install', 31],
];

describe('the stage bar', () => {
  it('shows the seconds of each stage, the percentage and what is awaited', () => {
    const picture = { instance, timeline: timelineTo(...installing), now: new Date(at(40)) };
    expect(stageBar(picture, new Palette(false)).split('\n')).toEqual([
      'db1 on m1: installation, 40s',
      '  ✔ queued              1s',
      '  ✔ booting            30s',
      '  ● install             9s  ████████████░░░░░░░░░░░░  50 %  writing the image',
      '  · install_reboot',
      '  · booting_disk',
      '  · installed',
      '  Awaits the next word of the installer, for 1m00s more',
    ]);
  });

  it('moves its spinner with the frames', () => {
    const picture = { instance, timeline: timelineTo(...installing), now: new Date(at(40)) };
    const pictures = [0, 1].map((frame) => stageBar({ ...picture, frame }, new Palette(false)));
    expect(pictures[0]).not.toBe(pictures[1]);
  });

  it('tells which try it is, and when the next one begins', () => {
    const timeline = timelineTo(...installing, ['stage.retried', 'queued', 45]);
    const installation = { ...instance.installation!, stage: 'queued', attempt: 2, retryAt: at(75) } as const;
    const picture = { instance: { ...instance, installation }, timeline, now: new Date(at(50)) };
    const lines = stageBar(picture, new Palette(false)).split('\n');
    expect([lines[0], lines.at(-1)]).toEqual([
      'db1 on m1: installation, try 2, 50s',
      '  It failed; the next try begins in 25s',
    ]);
  });

  it('tells a person who is called what to do', () => {
    const timeline = timelineTo(['state.changed', 'installing', 0], ['stage.changed', 'operator', 1]);
    const operatorCall = { instructions: 'Put the disc in.\nClose the door.\n', since: at(2) };
    const picture = { instance: { ...instance, operatorCall }, timeline, now: new Date(at(9)) };
    const lines = stageBar(picture, new Palette(false)).split('\n');
    expect(lines.slice(-4)).toEqual([
      '  A person is called:',
      '    Put the disc in.',
      '    Close the door.',
      '    Then: dodai instances done db1, or: dodai instances failed db1 --reason …',
    ]);
  });

  it('stands still when the work has ended', () => {
    const timeline = timelineTo(...installing, ['state.changed', 'install_failed', 45]);
    const [now, later] = [50, 500].map((second) => new Date(at(second)));
    const failed: InstanceView = { ...instance, state: 'error', installation: null };
    const pictures = [now, later].map((moment) =>
      stageBar({ instance: failed, timeline, now: moment ?? new Date(0) }, new Palette(false)),
    );
    expect(pictures[0]).toBe(pictures[1]);
    expect(pictures[0]).toContain('✖ install            14s');
  });
});
