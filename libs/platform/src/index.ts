export { Clock, type ClockTimer, SystemClock } from './clock.js';
export { ExecaProcessRunner } from './execa-process-runner.js';
export { ProcessRunner, type RunOptions, type RunResult } from './process-runner.js';
export { Secret } from './secret.js';
