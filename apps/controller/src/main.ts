import 'reflect-metadata';
import { DomainError } from '#core';
import { type Config, createLogger, loadConfig } from '#platform';
import { banner } from './banner.js';
import { Controller } from './controller.js';

/** sysexits(3): the configuration is wrong. A supervisor need not try again. */
const exitConfiguration = 78;

function say(error: unknown): void {
  if (!(error instanceof DomainError)) {
    console.error(error);
    return;
  }
  console.error(`dodai: ${error.message}`);
  if (error.remedy !== undefined) console.error(`What to do: ${error.remedy}`);
}

function readConfig(): Config | undefined {
  try {
    return loadConfig(process.env);
  } catch (error) {
    say(error);
    return undefined;
  }
}

async function main(): Promise<number> {
  const config = readConfig();
  if (!config) return exitConfiguration;
  const log = createLogger(config.log);
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    let asked = false;
    const onSignal = (signal: NodeJS.Signals) => {
      if (asked) process.exit(1); // asked twice: at once, whatever is unfinished
      asked = true;
      resolve(signal);
    };
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  });
  const controller = await Controller.start(config, log);
  console.log(banner(config, controller.listeners));
  log.info(`${await stopped}: stopping; a second signal ends it at once`);
  await controller.stop();
  return 0;
}

const exitCode = await main().catch((error: unknown) => {
  say(error);
  return error instanceof DomainError && error.code === 'configuration-invalid' ? exitConfiguration : 1;
});
process.exit(exitCode);
