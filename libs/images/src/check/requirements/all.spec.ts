import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { requirements } from './all.js';

it('every requirement is in the table of docs/design/images.md, in its order', async () => {
  const text = await readFile('docs/design/images.md', 'utf8');
  const rows = [...text.matchAll(/^\| `([a-z-]+)` +\|/gm)].map(([, name]) => name);
  expect(rows.slice(rows.indexOf('operating-system'))).toEqual([
    'operating-system',
    ...requirements.map(({ check }) => check),
  ]);
});
