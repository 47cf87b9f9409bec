import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { manuals, manualSections, withSections } from './manual.js';
import { projectRoot } from './project-root.js';

it.each(Object.entries(manuals()))(
  '%s shows what is in the code (else: npm run readme)',
  async (file, sections) => {
    const manual = await readFile(path.join(projectRoot, file), 'utf8');
    expect(manual).toBe(withSections(manual, sections));
  },
);

it('every setting is described', () => {
  const rows = (manualSections().configuration ?? '').split('\n').slice(2);
  expect(rows.length).toBeGreaterThan(20);
  expect(rows.filter((row) => /\|\s*\|$/.test(row))).toEqual([]);
});
