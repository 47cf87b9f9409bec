import { describe, expect, it } from 'vitest';
import { checkRequestedPath, withoutRoot } from './requested-path.js';

describe('a requested path', () => {
  it.each(['lpxelinux.0', 'pxelinux.cfg/01-52-54-00-12-34-56', 'a b', '..hidden', 'größe'])(
    'may be %s',
    (path) => expect(checkRequestedPath(path)).toEqual({ kind: 'path', path }),
  );

  it.each(['/grub/grub.cfg', '//grub/grub.cfg'])('may begin at the root: %s', (path) =>
    expect(withoutRoot(path)).toBe('grub/grub.cfg'),
  );

  it.each([
    ['../etc/passwd', '..'],
    ['a/../../b', '..'],
    ['a/./b', '..'],
    ['a//b', 'empty'],
    ['a/', 'empty'],
    ['..\\..\\boot.ini', 'backslash'],
    ['a\u0001b', 'unprintable'],
    ['a\nb', 'unprintable'],
    ['a\u202Eb', 'unprintable'],
    ['a\uFFFDb', 'unprintable'],
    ['', 'empty'],
    ['é'.repeat(128), 'over 255 bytes'],
  ])('may not be %j', (path, reason) => {
    expect(checkRequestedPath(path)).toEqual({ kind: 'refused', reason: expect.stringContaining(reason) });
  });
});
