import { describe, expect, it } from 'vitest';
import {
  bmmStatus,
  failureEvent,
  installationStages,
  isWorking,
  machineLifecycle,
  machineStates,
  netbootOf,
  nextMachineState,
  readNotify,
  retryStage,
  type InstallationStage,
} from './lifecycle.js';
import { allowedVerbs } from './verbs.js';

describe('the machine life cycle', () => {
  it('reaches every state from enrolled', () => {
    const seen = new Set<string>(['enrolled']);
    for (const state of seen) {
      for (const target of Object.values(machineLifecycle[state as 'enrolled'].on)) seen.add(target);
    }
    expect([...seen].sort()).toEqual([...machineStates].sort());
  });

  it('ends each work that fails in a failed state, or in another work', () => {
    for (const state of machineStates.filter(isWorking)) {
      const to = nextMachineState(state, failureEvent(state));
      expect(to && machineLifecycle[to].kind).toBe(state === 'handing_over' ? 'work' : 'failed');
    }
  });

  it('lets only verbs leave a failed state', () => {
    for (const state of machineStates.filter((each) => machineLifecycle[each].kind === 'failed'))
      expect(allowedVerbs({ state, stage: null, maintenance: null, locked: null })).toEqual(
        expect.arrayContaining(Object.keys(machineLifecycle[state].on)),
      );
  });

  it('can abort every work, and try every failed one again', () => {
    for (const state of machineStates) {
      const { kind } = machineLifecycle[state];
      expect(nextMachineState(state, 'abort') !== undefined).toBe(kind === 'work');
      expect(nextMachineState(state, 'retry') !== undefined).toBe(kind === 'failed');
    }
  });

  it('begins a new try where nothing that was done is lost, and nothing half done is kept', () => {
    expect(retryStage('installing', 'install')).toBe('queued');
    expect(retryStage('installing', 'booting_disk')).toBe('install_reboot');
    expect(retryStage('deleting', 'delete')).toBe('queued');
    expect(retryStage('deleting', 'deleted')).toBe('deleted');
    expect(retryStage('deleting', null)).toBe('queued');
  });

  it('keeps the four words of the original table', () => {
    expect(machineStates.filter((state) => bmmStatus(state) === 'processing')).toEqual([
      'enrolled',
      'verifying',
      'verify_failed',
      'installing',
      'install_failed',
      'handing_over',
      'deleting',
      'delete_failed',
    ]);
  });
});

describe('the boot decision', () => {
  it('gives the installer only before it has reported in, and the wiping image while a disk is not yet wiped', () => {
    const installing = (Object.keys(installationStages) as InstallationStage[]).filter(
      (stage) => netbootOf('installing', stage) === 'installer',
    );
    expect(installing).toEqual(['queued', 'booting', 'operator']);
    expect(netbootOf('deleting', 'delete')).toBe('wipe');
    expect(netbootOf('deleting', 'deleted')).toBe('local');
    expect(netbootOf('active', null)).toBe('os');
    expect(netbootOf('inactive', null)).toBe('local');
    expect(netbootOf('install_failed', 'booting')).toBe('local');
  });
});

describe('a notify', () => {
  it('moves on, repeats, or comes out of order', () => {
    expect(readNotify('installing', 'booting', 'install')).toBe('next');
    expect(readNotify('installing', 'install', 'install')).toBe('repeat');
    expect(readNotify('installing', 'booting', 'installed')).toBe('refused');
    expect(readNotify('installing', 'install', 'failed')).toBe('next');
    expect(readNotify('deleting', 'delete', 'installed')).toBe('refused');
    expect(readNotify('deleting', 'delete', 'deleted')).toBe('next');
    expect(readNotify('active', 'installed', 'failed')).toBe('refused');
  });

  it('that something failed is not believed from what ran before this work and is being switched off', () => {
    expect(readNotify('deleting', 'queued', 'failed')).toBe('refused');
    expect(readNotify('installing', 'install_reboot', 'failed')).toBe('refused');
    expect(readNotify('deleting', 'delete', 'failed')).toBe('next');
    expect(readNotify('handing_over', 'offered', 'failed')).toBe('next');
  });
});
