import { DomainError } from '#core';
import type { RunResult } from '#platform';
import { type Cause, causes, hung, unknown } from './ipmitool-causes.js';
import { type BmcAddress, bmcName } from './power-driver.js';

/** What was asked, for the message: "switch the machine on". */
export interface Request {
  bmc: BmcAddress;
  wanted: string;
}

/** How ipmitool ended; one that talks for long has no time to keep to. */
type Ended = Pick<RunResult, 'stderr'> & Partial<Pick<RunResult, 'timedOut' | 'durationMs'>>;

/** Why ipmitool did not do what was wanted. */
export function ipmitoolFailure({ bmc, wanted }: Request, result: Ended): DomainError {
  const { cause, said } = explain(result);
  const { code, executed, remedy } = cause;
  const found = said ? `${cause.found(bmc)} (${said})` : cause.found(bmc);
  return new DomainError(code, `BMC ${bmcName(bmc)} was asked to ${wanted}: ${found}`, {
    remedy,
    context: { bmc: bmcName(bmc), user: bmc.user, executed, output: lastLines(result.stderr) },
  });
}

function explain(result: Ended): { cause: Cause; said?: string } {
  if (result.timedOut) return { cause: hung, said: `ipmitool was ended after ${result.durationMs} ms` };
  for (const cause of causes) {
    const match = cause.pattern.exec(result.stderr);
    if (match) return { cause, said: match.slice(1).find(Boolean) };
  }
  return { cause: unknown, said: lastLines(result.stderr).at(-1) };
}

/** ipmitool prints no password at the one -v it is given. */
function lastLines(stderr: string): string[] {
  return stderr.split('\n').filter(Boolean).slice(-3);
}
