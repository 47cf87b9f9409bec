// `npm run migrate:new NAME`: writes prisma/migrations/<time>_NAME/migration.sql, the SQL that leads from the schema
// the migrations end in (prisma/migrations/schema.prisma) to prisma/schema.prisma, and brings the former up to date.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedPostgres, ExecaProcessRunner } from '#platform';
import { schemaDifference } from '#store';

const name = process.argv[2];
if (!name || !/^[a-z0-9_]+$/.test(name)) {
  console.error('usage: npm run migrate:new NAME     (NAME in lower case, words joined by _)');
  process.exit(2);
}
const reached = 'prisma/migrations/schema.prisma';
const schema = await readFile('prisma/schema.prisma', 'utf8');
const before = existsSync(reached) ? await readFile(reached, 'utf8') : undefined;
const scratch = await mkdtemp('/var/tmp/dodai-migrate-');
const { server, url } = await EmbeddedPostgres.start(new ExecaProcessRunner(), scratch);
const sql = await schemaDifference(url.reveal(), before, schema).finally(async () => {
  await server.stop();
  await rm(scratch, { recursive: true, force: true });
});
if (sql.trim() === '') {
  console.log('The migrations already lead to the schema: nothing to write.');
} else {
  const stamp = new Date().toISOString().replace(/\D/g, '').slice(0, 14);
  const folder = join('prisma/migrations', `${stamp}_${name}`);
  await mkdir(folder);
  await writeFile(join(folder, 'migration.sql'), sql);
  await writeFile(reached, schema);
  console.log(`Wrote ${folder}/migration.sql: read it before you commit it.`);
}
