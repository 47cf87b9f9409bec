import { describe, expect, it } from 'vitest';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { UserDataChecks } from './user-data-checks.js';

let folder: string;
let schema: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dodai-schema-'));
  schema = join(folder, 'schema.json');
  const packages = { type: 'array', deprecated: true };
  await writeFile(
    schema,
    JSON.stringify({ $schema: 'https://json-schema.org/draft/2020-12/schema', properties: { packages } }),
  );
});
afterAll(() => rm(folder, { recursive: true }));

const own = (text: string) => ({ kind: 'own' as const, base64: Buffer.from(text).toString('base64') });
const unfit = own('#cloud-config\npackages: 7\n');
const unreadable = own('#cloud-config\npackages: [\n');
const old = own('#cloud-config\npackages: []\n');

describe('the policy', () => {
  it('refuse lets only warnings pass, and names the field', async () => {
    const checks = new UserDataChecks({ schema, policy: 'refuse' });
    expect(await checks.userData(old, 'userData')).toMatchObject([{ path: 'packages' }]);
    const message = 'line 2, column 11, packages: must be a list, and is 7';
    await expect(checks.userData(unfit, 'userData')).rejects.toMatchObject({
      code: 'user-data-invalid',
      message: `userData has faults: ${message}`,
      context: { errors: [{ field: 'userData', message }], faults: [{ line: 2, about: 'schema' }] },
    });
  });

  it('warn tells the faults as warnings', async () => {
    const checks = new UserDataChecks({ schema, policy: 'warn' });
    expect(await checks.userData(unfit, 'userData')).toMatchObject([{ path: 'packages', about: 'schema' }]);
  });

  it('off does not ask the schema, which need not be there', async () => {
    const checks = new UserDataChecks({ schema: join(folder, 'none'), policy: 'off' });
    expect(await checks.userData(unfit, 'userData')).toEqual([]);
  });

  it.each(['refuse', 'warn', 'off'] as const)('%s refuses what cannot be read at all', async (policy) => {
    const refused = new UserDataChecks({ schema, policy }).userData(unreadable, 'userData');
    await expect(refused).rejects.toMatchObject({ code: 'user-data-invalid' });
  });
});

it('a schema that is not there is asked for again', async () => {
  const late = join(folder, 'late.json');
  const checks = new UserDataChecks({ schema: late, policy: 'refuse' });
  await expect(checks.userData(old, 'userData')).rejects.toMatchObject({
    code: 'cloud-config-schema-unreadable',
  });
  await writeFile(late, '{}');
  expect(await checks.userData(old, 'userData')).toHaveLength(1);
});
