import { describe, expect, it } from 'vitest';
import { answerOf, document, documentsOf, folder, jsonDocument, versionFolder } from './document-tree.js';

const tree = versionFolder({
  latest: folder({
    'user-data': document('#!/bin/sh\n'),
    'meta-data': folder(
      {
        mac: document('52:54:00:00:00:01'),
        placement: folder({ zone: document('a') }),
        '0': document('key'),
      },
      { '0': '0=mine' },
    ),
  }),
  '2009-04-04': folder({ hidden: document('here'), nothing: null }, { hidden: null }),
});
const textAt = (path: string) => answerOf(tree, path)?.content.toString();

describe('a tree of documents', () => {
  it('lists versions by their names, and folders with a slash, in order, without an end of the last line', () => {
    expect(textAt('/')).toBe('2009-04-04\nlatest');
    expect(textAt('/latest')).toBe('meta-data/\nuser-data');
  });

  it('lists an entry as it wants to be shown, and answers it by its name', () => {
    expect(textAt('/latest/meta-data/')).toBe('0=mine\nmac\nplacement/');
    expect(textAt('/latest/meta-data/0')).toBe('key');
    expect(textAt('/latest/meta-data/0=mine')).toBeUndefined();
  });

  it('lists numbers by what they count', () => {
    const keys = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [String(index), document('')]));
    expect(answerOf(folder(keys), '/')?.content.toString()).toBe('0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11');
  });

  it('answers the same with and without slashes at the ends, and with doubled ones', () => {
    for (const path of [
      'latest/meta-data/placement',
      '/latest/meta-data/placement/',
      '//latest//meta-data/placement',
    ]) {
      expect(textAt(path)).toBe('zone');
    }
    expect(textAt('/latest/meta-data/mac/')).toBe('52:54:00:00:00:01');
  });

  it('answers what it does not list', () => {
    expect(textAt('/2009-04-04')).toBe('');
    expect(textAt('/2009-04-04/hidden')).toBe('here');
  });

  it('answers nothing where nothing stands: below a document, up from a folder, at names that every object has', () => {
    const nowhere = [
      '/other',
      '/latest/user-data/more',
      '/latest/..',
      '/2009-04-04/nothing',
      '/latest/constructor',
    ];
    for (const path of nowhere) expect(answerOf(tree, path)).toBeNull();
    expect(answerOf(folder({ constructor: document('own') }), '/')?.content.toString()).toBe('constructor');
  });

  it('tells documents from listings, and what form they have', () => {
    const data = folder({ 'a.json': jsonDocument({ a: 'ü' }) });
    expect(answerOf(data, 'a.json')).toEqual({
      kind: 'document',
      content: Buffer.from('{"a":"ü"}'),
      mediaType: 'application/json',
    });
    expect(answerOf(data, '')).toMatchObject({ kind: 'listing', mediaType: 'text/plain' });
  });

  it('gives every document with its path', () => {
    expect(documentsOf(tree).map(([path]) => path)).toEqual([
      '2009-04-04/hidden',
      'latest/meta-data/0',
      'latest/meta-data/mac',
      'latest/meta-data/placement/zone',
      'latest/user-data',
    ]);
  });
});
