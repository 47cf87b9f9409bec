import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { projectRoot } from './project-root.js';

const read = (file: string) => readFileSync(join(projectRoot, file), 'utf8');

it('the container has what debian-packages.txt lists for the controller', () => {
  const [, section = ''] = /^# the controller:.*\n((?:.+\n)+)/m.exec(read('debian-packages.txt')) ?? [];
  const listed = section.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const [, words = ''] =
    /apt-get install -y --no-install-recommends ([^&]+)&&/.exec(read('Dockerfile')) ?? [];
  const installed = words.split(/[\s\\]+/).filter((word) => word !== '');
  expect(installed.sort()).toEqual(listed.sort());
});
