import type { LoggerService } from '@nestjs/common';
import type { Logger } from '#platform';

/** Nest's own messages go to our log, one level lower: they tell of wiring, not of machines. */
export function nestLog(log: Logger): LoggerService {
  const to =
    (level: 'debug' | 'warn' | 'error') =>
    (message: unknown, ...rest: unknown[]) =>
      log[level]({ source: rest.at(-1) }, String(message));
  return {
    log: to('debug'),
    debug: to('debug'),
    verbose: to('debug'),
    warn: to('warn'),
    error: to('error'),
    fatal: to('error'),
  };
}
