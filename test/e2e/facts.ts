import { it, onTestFailed } from 'vitest';

/**
 * For tests of which each begins where the one before ended: whichever fails, the evidence is printed. They are skipped where there is an
 * obstacle, which is the reason that is shown.
 */
export const factsWith =
  (evidence: () => Promise<string>, obstacle: () => string = () => '') =>
  (title: string, test: () => Promise<void>, timeoutMs?: number): void =>
    it(title, { timeout: timeoutMs }, async (context) => {
      context.skip(obstacle() !== '', obstacle());
      onTestFailed(async () => console.error(await evidence()));
      await test();
    });
