import { describe, expect, it } from 'vitest';
import { Palette } from './palette.js';
import { spawnPreviewText } from './spawn-preview.js';

const id = '0b5a2c4e-1111-4222-8333-444455556666';
const plain = new Palette(false);

describe('what a spawn would choose', () => {
  it('is told with how it would be taken, and why the others would not be', () => {
    const refused = [
      { reason: 'is used', count: 12, machines: ['m01', 'm02'] },
      { reason: 'is locked', count: 1, machines: ['m20'] },
    ];
    const chosen = { id, name: 'm21', state: 'active', way: 'reuse' } as const;
    expect(spawnPreviewText({ chosen, alternatives: 2, refused }, plain).split('\n')).toEqual([
      'm21 would be chosen: it waits in the pool, and its OS would be handed over.',
      '2 others would do too.',
      '',
      'MACHINES  WHY NOT    WHICH',
      '12        is used    m01, m02, …',
      '1         is locked  m20',
    ]);
  });

  it('is nothing when no machine would do', () => {
    expect(spawnPreviewText({ chosen: null, alternatives: 0, refused: [] }, plain)).toBe(
      'No machine would do: a spawn would be refused.',
    );
  });
});
