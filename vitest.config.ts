import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** `#core` and its like resolve to the TypeScript source in tests, to dist/ in the built program. */
const resolveSource = { ssr: { resolve: { conditions: ['source', 'node'] } } };

const integration = { testTimeout: 60_000, hookTimeout: 60_000 };

export default defineConfig({
  test: {
    projects: [
      {
        ...resolveSource,
        test: {
          name: 'unit',
          include: ['libs/**/*.spec.ts', 'apps/**/*.spec.ts'],
          testTimeout: 30_000, // some run bash or shellcheck, which on a busy host take their time
        },
      },
      {
        ...resolveSource,
        test: {
          ...integration,
          name: 'integration',
          include: ['test/integration/*.test.ts'],
          // They share nothing, and mostly wait: for programs, for disks, for what takes its time.
          maxWorkers: availableParallelism() + 1,
        },
      },
      {
        ...resolveSource,
        test: {
          ...integration,
          name: 'integration-alone',
          include: ['test/integration/alone/*.test.ts'],
          fileParallelism: false,
        },
      },
      {
        ...resolveSource,
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 7_200_000,
          hookTimeout: 120_000,
        },
      },
      {
        ...resolveSource,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          maxWorkers: 2, // each waits for one machine at a time, often: two racks keep two cores at work
          testTimeout: 1_200_000,
          hookTimeout: 900_000,
        },
      },
      {
        ...resolveSource,
        test: {
          name: 'e2e-all',
          include: ['test/e2e-all/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 2_400_000,
          hookTimeout: 900_000,
        },
      },
    ],
  },
});
