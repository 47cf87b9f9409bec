import { describe, expect, it } from 'vitest';
import { allowedInstanceVerbs, allowedVerbs, verbRefusal } from './verbs.js';

const mark = { reason: 'r', by: 'me', at: '2026-01-01T00:00:00Z' };
const plain = { stage: null, maintenance: null, locked: null };

describe('the verbs of a machine', () => {
  it('are those that its state knows, and the power of a machine that has an owner', () => {
    expect(allowedVerbs({ state: 'used', ...plain })).toEqual([
      'destroy',
      'force_destroy',
      'rebuild',
      'start',
      'stop',
      'reboot',
      'power_cycle',
      'enter_maintenance',
      'lock',
    ]);
    expect(allowedVerbs({ state: 'inactive', ...plain })).toEqual([
      'verify',
      'spawn',
      'adopt',
      'enter_maintenance',
      'lock',
    ]);
  });

  it('give no new owner to a machine in maintenance', () => {
    expect(verbRefusal('spawn', { ...plain, state: 'inactive', maintenance: mark })).toBe('maintenance');
    expect(verbRefusal('destroy', { ...plain, state: 'used', maintenance: mark })).toBeUndefined();
  });

  it('are the word of the person who was called, while one is', () => {
    const called = { ...plain, state: 'installing', stage: 'operator' } as const;
    expect(allowedVerbs(called)).toEqual([
      'destroy',
      'force_destroy',
      'abort',
      'manual_done',
      'manual_failed',
      'enter_maintenance',
      'lock',
    ]);
    expect(verbRefusal('manual_done', { ...called, locked: mark })).toBeUndefined();
    expect(verbRefusal('manual_done', { ...called, stage: 'booting' })).toBe('state');
    expect(verbRefusal('manual_failed', { ...called, state: 'install_failed' })).toBe('state');
  });

  it('neither end nor interrupt what runs on a locked machine', () => {
    const locked = { ...plain, state: 'used', locked: mark } as const;
    expect(allowedVerbs(locked)).toEqual(['start', 'enter_maintenance', 'unlock']);
  });
});

describe('the verbs of an instance', () => {
  it('are those of its machine that concern it, and none when it is gone', () => {
    expect(allowedInstanceVerbs('error', { state: 'install_failed', ...plain })).toEqual([
      'destroy',
      'force_destroy',
      'rebuild',
      'retry',
      'lock',
    ]);
    expect(allowedInstanceVerbs('deleted', { state: 'delete_failed', ...plain })).toEqual([]);
    expect(allowedInstanceVerbs('active', null)).toEqual([]);
  });
});
