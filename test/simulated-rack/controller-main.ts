/**
 * The whole controller, its BMCs in a simulated rack of another process. Argument: the path of that rack's PowerSocket. The
 * settings are those of the product, in the environment. Says where it listens, as one line of JSON.
 */
import 'reflect-metadata';
import { createLogger, loadConfig } from '#platform';
import { Controller } from '../../apps/controller/src/controller.js';
import { RemotePowerDriver } from './remote-power-driver.js';

const [socketPath = ''] = process.argv.slice(2);
const config = loadConfig(process.env);
const driver = new RemotePowerDriver(socketPath);
const controller = await Controller.start(config, createLogger(config.log), { driver });
process.on('SIGTERM', () => {
  void controller.stop().then(() => process.exit(0));
});
console.log(JSON.stringify(controller.listeners));
