import type { EventView } from '#contract';
import { describe, expect, it } from 'vitest';
import { WorkTimeline } from './work-timeline.js';

let id = 0;
const event = (kind: string, second: number, to: string): EventView => ({
  id: String((id += 1)),
  at: new Date(Date.UTC(2026, 0, 31, 12, 0, second)).toISOString(),
  kind,
  machineId: null,
  instanceId: null,
  message: '',
  data: { to },
});

function timelineOf(...events: EventView[]): WorkTimeline {
  const timeline = new WorkTimeline();
  for (const one of events) timeline.apply(one);
  return timeline;
}

const summary = (timeline: WorkTimeline) =>
  timeline.lines().map(({ stage, kind, from, to }) => {
    const seconds = from && to ? (to.getTime() - from.getTime()) / 1000 : null;
    return seconds === null ? `${stage} ${kind}` : `${stage} ${kind} ${seconds}`;
  });

const installing = [
  event('state.changed', 0, 'installing'),
  event('stage.changed', 1, 'booting'),
  event('stage.changed', 31, 'install'),
];

describe('the timeline of a work', () => {
  it('begins an installation in the queue', () => {
    expect(summary(timelineOf(event('state.changed', 0, 'installing')))).toEqual([
      'queued running',
      'booting ahead',
      'install ahead',
      'install_reboot ahead',
      'booting_disk ahead',
      'installed ahead',
    ]);
  });

  it('gives each stage its seconds', () => {
    expect(summary(timelineOf(...installing)).slice(0, 4)).toEqual([
      'queued done 1',
      'booting done 30',
      'install running',
      'install_reboot ahead',
    ]);
  });

  it('calls a stage skipped that the machine went past', () => {
    const timeline = timelineOf(
      event('state.changed', 0, 'installing'),
      event('stage.changed', 9, 'install'),
    );
    expect(summary(timeline).slice(0, 3)).toEqual(['queued done 9', 'booting skipped', 'install running']);
  });

  it('marks the stage that failed', () => {
    const timeline = timelineOf(...installing, event('state.changed', 40, 'install_failed'));
    expect(summary(timeline)[2]).toBe('install failed 9');
    expect(timeline.endedAt).not.toBeNull();
  });

  it('ends when the machine is at rest', () => {
    const timeline = timelineOf(
      ...installing,
      event('stage.changed', 50, 'install_reboot'),
      event('stage.changed', 55, 'booting_disk'),
      event('stage.changed', 90, 'installed'),
      event('state.changed', 90, 'active'),
    );
    expect(summary(timeline).at(-1)).toBe('installed done 0');
  });

  it('goes back to the stage that a new try begins with, and forgets what came after', () => {
    const timeline = timelineOf(...installing, event('stage.retried', 40, 'queued'));
    expect(summary(timeline).slice(0, 3)).toEqual(['queued running', 'booting ahead', 'install ahead']);
    expect(timeline.startedAt).toEqual(new Date(Date.UTC(2026, 0, 31, 12, 0, 0)));
  });

  it('keeps the seconds of what a new try does not repeat', () => {
    const timeline = timelineOf(
      ...installing,
      event('stage.changed', 50, 'install_reboot'),
      event('stage.changed', 55, 'booting_disk'),
      event('stage.retried', 90, 'install_reboot'),
    );
    expect(summary(timeline).slice(2, 5)).toEqual([
      'install done 19',
      'install_reboot running',
      'booting_disk ahead',
    ]);
  });

  it('begins where a retry begins', () => {
    const retried = event('state.changed', 60, 'installing');
    const timeline = timelineOf({ ...retried, data: { to: 'installing', stage: 'install_reboot' } });
    expect(summary(timeline).slice(2, 4)).toEqual(['install skipped', 'install_reboot running']);
  });

  it('shows a hand-over, and the installation that follows one that nobody took', () => {
    const timeline = timelineOf(event('state.changed', 0, 'handing_over'));
    expect([timeline.work, ...summary(timeline)]).toEqual([
      'hand-over',
      'offered running',
      'installed ahead',
    ]);
    timeline.apply(event('state.changed', 60, 'installing'));
    expect([timeline.work, summary(timeline)[0]]).toEqual(['installation', 'queued running']);
  });

  it('starts anew with a deletion', () => {
    const timeline = timelineOf(...installing, event('state.changed', 60, 'deleting'));
    expect(timeline.work).toBe('deletion');
    expect(summary(timeline)[0]).toBe('queued running');
    expect(timeline.endedAt).toBeNull();
  });
});
