import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { manualSections, withSections } from './manual.js';
import { projectRoot } from './project-root.js';

it('README shows the life cycle and the configuration as they are in the code (else: npm run readme)', async () => {
  const readme = await readFile(path.join(projectRoot, 'README.md'), 'utf8');
  expect(readme).toBe(withSections(readme));
});

it('every setting is described', () => {
  const rows = (manualSections().configuration ?? '').split('\n').slice(2);
  expect(rows.length).toBeGreaterThan(20);
  expect(rows.filter((row) => /\|\s*\|$/.test(row))).toEqual([]);
});
