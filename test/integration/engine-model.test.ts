import { afterAll, beforeAll, it } from 'vitest';
import { tellStories } from '../faults/model.js';
import { TestEngine } from '../support/engine.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';

let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

it('keeps what must hold in random stories of verbs, words and crashes', { timeout: 300_000 }, async () => {
  const fresh = async () => TestEngine.start(await postgres.database());
  await tellStories(fresh, { numRuns: 3, seed: 42 });
});
