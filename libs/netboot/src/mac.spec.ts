import { describe, expect, it } from 'vitest';
import { macOfPxelinuxName, macOfText } from './mac.js';

describe('the name of a pxelinux configuration', () => {
  it('names a MAC address', () => {
    expect(macOfPxelinuxName('01-52-54-00-AB-cd-ef')).toBe('52:54:00:ab:cd:ef');
  });

  it.each([
    '01-52-54-00-ab-cd',
    '01-52-54-00-ab-cd-ef-00',
    '06-52-54-00-ab-cd-ef',
    '01-52-54-00-ab-cd-eg',
    '01:52:54:00:ab:cd:ef',
    '01-52-54-00-ab-cd-ef ',
    '01-ff-ff-ff-ff-ff-ff',
    '01-01-00-5e-00-00-01',
    '01-00-00-00-00-00-00',
    'C0A8025B',
    'b8945908-d6a6-41a9-611d-74a6ab80b83d',
  ])('names none: %s', (name) => expect(macOfPxelinuxName(name)).toBeNull());
});

it('reads a MAC address in either case, and nothing else', () => {
  expect(macOfText('52:54:00:AB:cd:ef')).toBe('52:54:00:ab:cd:ef');
  expect(macOfText('52-54-00-ab-cd-ef')).toBeNull();
});
