import { afterAll, beforeAll, it } from 'vitest';
import { TestEngine } from '../support/engine.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';
import { tellStories } from './model.js';

let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

it('keeps what must hold in many random stories of verbs, words and crashes', async () => {
  const fresh = async () => TestEngine.start(await postgres.database());
  await tellStories(fresh, { numRuns: 100, seed: 2026 });
});
