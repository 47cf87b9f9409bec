/**
 * Prints "passed failed" for one run of Vitest: the counts of its JSON report, and one more failure for each file
 * that could not be run at all, and for a runner that crashed, reported nothing or found no test.
 *
 * usage: node tools/count-tests.mjs REPORT EXIT_CODE
 */
import { readFileSync } from 'node:fs';

const [, , reportPath, exitCode] = process.argv;

function readReport() {
  try {
    return JSON.parse(readFileSync(reportPath, 'utf8'));
  } catch {
    return undefined;
  }
}

function count(report) {
  if (!report) return { passed: 0, failed: 1 };
  const brokenFiles = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((result) => result.status === 'failed'),
  );
  const passed = report.numPassedTests;
  const failed = report.numFailedTests + brokenFiles.length;
  const failedOtherwise = failed === 0 && (exitCode !== '0' || passed === 0);
  return { passed, failed: failed + (failedOtherwise ? 1 : 0) };
}

const { passed, failed } = count(readReport());
process.stdout.write(`${passed} ${failed}\n`);
