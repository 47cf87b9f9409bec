import { describe, expect, it } from 'vitest';
import {
  allowedVerbs,
  bmmStatus,
  installationStages,
  isWorking,
  machineLifecycle,
  machineStates,
  netbootOf,
  nextMachineState,
  readNotify,
  type InstallationStage,
} from './lifecycle.js';

describe('the machine life cycle', () => {
  it('reaches every state from enrolled', () => {
    const seen = new Set<string>(['enrolled']);
    for (const state of seen) {
      for (const target of Object.values(machineLifecycle[state as 'enrolled'].on)) seen.add(target);
    }
    expect([...seen].sort()).toEqual([...machineStates].sort());
  });

  it('gives each working state one failed state, which only a verb leaves', () => {
    for (const state of machineStates.filter(isWorking)) {
      const failed = nextMachineState(state, 'failed');
      expect(failed && machineLifecycle[failed].kind).toBe('failed');
      expect(Object.keys(machineLifecycle[failed!].on)).toEqual(allowedVerbs(failed!));
    }
  });

  it('keeps the four words of the original table', () => {
    expect(machineStates.filter((state) => bmmStatus(state) === 'processing')).toEqual([
      'enrolled',
      'verifying',
      'verify_failed',
      'installing',
      'install_failed',
      'deleting',
      'delete_failed',
    ]);
  });
});

describe('the boot decision', () => {
  it('boots the live image only before an installer has reported in, or while a disk is not yet wiped', () => {
    const live = (Object.keys(installationStages) as InstallationStage[]).filter(
      (stage) => netbootOf('installing', stage) === 'live',
    );
    expect(live).toEqual(['queued', 'booting']);
    expect(netbootOf('deleting', 'delete')).toBe('live');
    expect(netbootOf('deleting', 'deleted')).toBe('local');
    expect(netbootOf('active', null)).toBe('local');
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
});
