import { describe, expect, it } from 'vitest';
import { type Instance, type InstanceState, type LastError, nothingConfigured, type PowerOrder } from '#core';
import { hasReached, type Waited } from './instance-waits.js';

const error: LastError = { code: 'bmc-no-answer', message: 'it is silent', at: '2026-01-31T12:00:00.000Z' };

function instance(state: InstanceState): Instance {
  return {
    id: '0b5a2c4e-1111-4222-8333-444455556666',
    hostName: 'db1',
    state,
    machineId: null,
    imageId: null,
    instanceType: 'standard',
    installMethod: 'copy',
    cluster: null,
    vlanId: null,
    configuration: nothingConfigured,
    configurationSources: {},
    pooled: false,
    reusedInstanceId: null,
    lastError: state === 'error' ? error : null,
    createdAt: new Date(0),
    installedAt: null,
    deletedAt: null,
  };
}

const waited = (
  state: InstanceState,
  powerOrder: PowerOrder | null = null,
  lastError: LastError | null = null,
): Waited => ({ instance: instance(state), machine: { powerOrder, lastError } });

describe('an instance that is waited for', () => {
  it.each([
    ['installed', waited('active')],
    ['installed', waited('stopped')],
    ['deleted', waited('deleted')],
    ['active', waited('active')],
    ['stopped', waited('stopped')],
    ['active', waited('active', null, error)],
  ] as const)('is %s when it is %j', (wait, seen) => expect(hasReached(wait, seen)).toBe(true));

  it.each([
    ['installed', waited('building')],
    ['deleted', waited('active')],
    ['deleted', waited('deleting')],
    ['active', waited('active', 'rebooting')],
    ['active', waited('stopped', 'starting')],
    ['stopped', waited('active', 'stopping')],
    ['stopped', waited('stopped', 'starting')],
    ['active', waited('building')],
    ['stopped', waited('active')],
  ] as const)('is not %s yet when it is %j', (wait, seen) => expect(hasReached(wait, seen)).toBe(false));

  it.each([
    ['installed', waited('error'), 'db1 failed: it is silent'],
    ['deleted', waited('error'), 'db1 failed: it is silent'],
    ['stopped', waited('active', null, error), 'db1 failed: it is silent'],
    ['installed', waited('deleting'), 'it will not be installed'],
    ['active', waited('deleted'), 'it will not be active'],
  ] as const)('will not be %s when it is %j', (wait, seen, said) =>
    expect(() => hasReached(wait, seen)).toThrow(said),
  );
});
