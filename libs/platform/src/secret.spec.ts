import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { Secret } from './secret.js';

const secret = new Secret('hunter2');

it('is never printed', () => {
  const printed = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect({ secret }, { showHidden: true }),
  ];
  expect(printed.join()).not.toContain('hunter2');
  expect(printed[0]).toBe('[secret]');
});

it('is revealed on demand', () => {
  expect(secret.reveal()).toBe('hunter2');
});
