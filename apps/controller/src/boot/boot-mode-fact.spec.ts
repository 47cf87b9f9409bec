import { expect, it } from 'vitest';
import type { BootMode, Machine } from '#core';
import type { DhcpEvent } from '#netboot';
import { bootModeFact } from './boot-mode-fact.js';

const told = (bootMode: BootMode, event: Partial<DhcpEvent>) =>
  bootModeFact({ name: 'm1', bootMode } as Machine, { kind: 'ack', mac: '52:54:00:00:00:01', ...event })
    ?.message;

it('a machine that boots as its record says is nothing to tell of', () => {
  expect(told('bios', { architecture: 0 })).toBeUndefined();
  expect(told('uefi', { architecture: 7 })).toBeUndefined();
  expect(told('uefi', { architecture: 9 })).toBeUndefined();
});

it('one that boots otherwise is told once for each boot, with what to set', () => {
  const words =
    'm1 boots with uefi, and its record says bios: set its firmware to bios, or the record with --boot-mode uefi';
  expect(told('bios', { architecture: 7 })).toBe(words);
  expect(told('bios', { kind: 'proxy', note: 'proxy', architecture: 7 })).toBe(words);
  expect(told('bios', { kind: 'discover', architecture: 7 })).toBeUndefined();
});

it('firmware that there is no loader for is called by its name', () => {
  expect(told('uefi', { architecture: 6 })).toContain(
    'asks as 32-bit UEFI, for which dodai has no boot loader',
  );
  expect(told('uefi', { architecture: 99 })).toContain('asks as architecture 99');
});

it('an OS says nothing of the firmware', () => expect(told('uefi', {})).toBeUndefined());
