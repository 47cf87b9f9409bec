export { FakeClock } from './fake-clock.js';
export { FakeConsoleSource } from './fake-console-source.js';
export { FakeProcessRunner, type RecordedRun } from './fake-process-runner.js';
export { type FakeCommand, type FakeMachine, FakePowerDriver } from './fake-power-driver.js';
export { isLegal, legalInstances } from './legality.js';
export { bondedNetwork, describedInstance, noConfiguration } from './described-instance.js';
