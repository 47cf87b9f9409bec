// Generates the Prisma client. `prisma generate` looks for a schema-engine binary that it does not use and
// would download; any executable satisfies it, so that a machine without internet can build.
import { execFileSync } from 'node:child_process';

execFileSync('node_modules/.bin/prisma', ['generate', '--no-hints'], {
  stdio: ['ignore', 'ignore', 'inherit'],
  env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true', CHECKPOINT_DISABLE: '1' },
});
