export { FakeClock } from './fake-clock.js';
export { FakeProcessRunner, type RecordedRun } from './fake-process-runner.js';
