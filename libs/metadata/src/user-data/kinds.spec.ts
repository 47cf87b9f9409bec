import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { kindOf } from './kinds.js';
import { unpacked } from './unpacked.js';

describe('what cloud-init takes user data for', () => {
  it.each([
    ['#cloud-config\n', 'text/cloud-config'],
    ['#Cloud-Config\n', 'text/cloud-config'],
    ['#cloud-config-archive\n', 'text/cloud-config-archive'],
    ['#cloud-config-jsonp\n', 'text/cloud-config-jsonp'],
    ['#!/bin/sh\n', 'text/x-shellscript'],
    ['\n\n#!/bin/sh\n', 'text/x-shellscript'],
    ['#include\nhttp://a/\n', 'text/x-include-url'],
    ['#include-once\nhttp://a/\n', 'text/x-include-once-url'],
    ['#cloud-boothook\n', 'text/cloud-boothook'],
    ['#part-handler\n', 'text/part-handler'],
    ['#upstart-job\n', 'text/upstart-job'],
    ['## template: jinja\n#cloud-config\n', 'text/jinja2'],
    ['Content-Type: multipart/mixed; boundary="a"\nMIME-Version: 1.0\n\n', 'multipart/mixed'],
    ['#!/bin/sh\n# MIME-Version: 1.0, in a comment\n', 'text/x-shellscript'],
    ['Content-Type: multipart/mixed; boundary="a"\n\n', null],
    ['\u{feff}#cloud-config\n', null],
    ['hello', null],
    ['', null],
  ])('%j is %s', (text, kind) => {
    expect(kindOf(Buffer.from(text))).toBe(kind);
  });
});

describe('gzip', () => {
  it('is looked into', () => {
    expect(unpacked(gzipSync('#!/bin/sh\n')).toString()).toBe('#!/bin/sh\n');
  });

  it.each([
    ['grows beyond measure', gzipSync(Buffer.alloc(64 << 20)), 'more than 8388608 bytes'],
    ['is torn', gzipSync('#!/bin/sh\n').subarray(0, 15), 'cannot be unpacked'],
  ])('is refused when it %s', (_what, bytes, message) => {
    expect(() => unpacked(bytes)).toThrow(
      expect.objectContaining({ code: 'user-data-invalid', message: expect.stringContaining(message) }),
    );
  });
});
