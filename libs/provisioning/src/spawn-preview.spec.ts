import { describe, expect, it } from 'vitest';
import type { Assessment } from '#store';
import { previewOf } from './spawn-preview.js';

const assessed = (name: string, way: Assessment['way'], ...reasons: string[]): Assessment => ({
  machine: { id: `id of ${name}`, name, state: way === 'reuse' ? 'active' : 'inactive' },
  way,
  reasons,
});

describe('the preview of a spawn', () => {
  it('chooses the first that nothing speaks against, and counts the others', () => {
    const all = [assessed('m1', 'reuse', 'is locked'), assessed('m2', 'reuse'), assessed('m3', 'install')];
    expect(previewOf(all, 10)).toEqual({
      chosen: { id: 'id of m2', name: 'm2', state: 'active', way: 'reuse' },
      alternatives: 1,
      refused: [{ reason: 'is locked', count: 1, machines: ['m1'] }],
    });
  });

  it('chooses none when something speaks against each', () => {
    expect(previewOf([assessed('m1', null, 'is used')], 10)).toMatchObject({ chosen: null, alternatives: 0 });
    expect(previewOf([], 10)).toEqual({ chosen: null, alternatives: 0, refused: [] });
  });

  it('counts a machine with each of its reasons, the most frequent one first', () => {
    const all = [assessed('m1', 'install', 'is locked'), assessed('m2', 'install', 'is locked', 'is small')];
    expect(previewOf(all, 10).refused).toEqual([
      { reason: 'is locked', count: 2, machines: ['m1', 'm2'] },
      { reason: 'is small', count: 1, machines: ['m2'] },
    ]);
  });

  it('says nothing more of machines that were not asked for', () => {
    const all = [assessed('m1', null, 'is used', 'is not the one asked for'), assessed('m2', 'install')];
    expect(previewOf(all, 10).refused).toEqual([
      { reason: 'is not the one asked for', count: 1, machines: ['m1'] },
    ]);
  });

  it('stays small for ten thousand machines', () => {
    const all = Array.from({ length: 10_000 }, (_, n) => assessed(`m${n}`, null, 'is used'));
    const { refused } = previewOf(all, 10);
    expect(refused).toMatchObject([{ count: 10_000 }]);
    expect(refused[0]?.machines).toHaveLength(10);
  });
});
