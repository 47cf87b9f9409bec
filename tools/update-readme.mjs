/** Writes the parts of README and of docs/ that follow from the code; run by `npm run readme`, after a build. */
import { readFile, writeFile } from 'node:fs/promises';
import { manuals, withSections } from '../dist/apps/quickstart/src/manual.js';

for (const [file, sections] of Object.entries(manuals()))
  await writeFile(file, withSections(await readFile(file, 'utf8'), sections));
