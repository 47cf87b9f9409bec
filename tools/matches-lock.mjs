/**
 * Exits 0 when node_modules holds exactly what package-lock.json asks for, judged by the hidden lock file that
 * npm keeps in node_modules; 1 otherwise. Packages for other platforms may be absent.
 */
import { existsSync, readFileSync } from 'node:fs';

const read = (path) => JSON.parse(readFileSync(path, 'utf8')).packages;

if (!existsSync('node_modules/.package-lock.json')) process.exit(1);

const wanted = read('package-lock.json');
const present = read('node_modules/.package-lock.json');
const isMissing = ([path, entry]) =>
  path !== '' && !entry.optional && present[path]?.version !== entry.version;
const isWrong = ([path, entry]) =>
  wanted[path]?.version !== entry.version || !existsSync(`${path}/package.json`);

const matches = !Object.entries(wanted).some(isMissing) && !Object.entries(present).some(isWrong);
process.exit(matches ? 0 : 1);
