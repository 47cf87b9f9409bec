import { pino, type Logger } from 'pino';
import type { Config } from './config.js';

export type { Logger } from 'pino';

/** The log of this process: JSON lines on standard output, or lines for people when so configured. */
export function createLogger(config: Config['log']): Logger {
  return pino({
    level: config.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    transport: config.pretty ? { target: 'pino-pretty', options: { ignore: 'pid,hostname' } } : undefined,
  });
}
