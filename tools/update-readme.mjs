/** Writes the parts of README that follow from the code; run by `npm run readme`, after a build. */
import { readFile, writeFile } from 'node:fs/promises';
import { withSections } from '../dist/apps/quickstart/src/manual.js';

await writeFile('README.md', withSections(await readFile('README.md', 'utf8')));
