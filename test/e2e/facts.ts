import { it, onTestFailed } from 'vitest';

/** For tests of which each begins where the one before ended: whichever fails, the evidence is printed. */
export const factsWith =
  (evidence: () => Promise<string>) =>
  (title: string, test: () => Promise<void>): void =>
    it(title, async () => {
      onTestFailed(async () => console.error(await evidence()));
      await test();
    });
