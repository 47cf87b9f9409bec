import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function upwards(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder;
  return upwards(dirname(folder));
}

/** The folder that holds package.json, prisma/ and templates/, from the sources as from the built program. */
export const projectRoot = upwards(dirname(fileURLToPath(import.meta.url)));
