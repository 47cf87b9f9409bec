/**
 * The whole controller, its BMCs in a simulated rack of another process. Argument: the path of that rack's PowerSocket. The
 * settings are those of the product, in the environment. Says where it listens, as one line of JSON. SIGUSR2 sets its clock two
 * hours on, SIGHUP two hours back.
 */
import 'reflect-metadata';
import { createLogger, loadConfig, SystemClock } from '#platform';
import { Controller } from '../../apps/controller/src/controller.js';
import { RemotePowerDriver } from './remote-power-driver.js';

const jumpMs = 2 * 3_600_000;

/** A clock that somebody sets. */
class SetClock extends SystemClock {
  private setMs = 0;

  override now(): Date {
    return new Date(super.now().getTime() + this.setMs);
  }

  set(ms: number): void {
    this.setMs += ms;
  }
}

const [socketPath = ''] = process.argv.slice(2);
const config = loadConfig(process.env);
const driver = new RemotePowerDriver(socketPath);
const clock = new SetClock();
process.on('SIGUSR2', () => clock.set(jumpMs));
process.on('SIGHUP', () => clock.set(-jumpMs));
const controller = await Controller.start(config, createLogger(config.log), { driver, clock });
process.on('SIGTERM', () => {
  void controller.stop().then(() => process.exit(0));
});
console.log(JSON.stringify(controller.listeners));
