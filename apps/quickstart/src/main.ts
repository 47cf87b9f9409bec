#!/usr/bin/env node
import { DomainError } from '#core';
import { Command } from 'commander';
import { LabError } from '../../lab/src/index.js';
import { freePort } from './free-port.js';
import { Quickstart } from './quickstart.js';
import { QuickstartError } from './quickstart-error.js';
import { Report } from './report.js';
import { type Settings, lastingSettings, passingSettings } from './settings.js';

const interrupted = new AbortController();
const report = new Report(process.stdout);

/** Up to a machine that its owner is logged in to; everything goes on running. */
async function stay(settings: Settings): Promise<void> {
  const quickstart = new Quickstart(settings, report, interrupted.signal);
  const wasUp = await quickstart.isUp();
  if (wasUp) report.line('The quickstart is up already; what is missing is added.');
  else await assertPortFree(settings.port);
  try {
    await quickstart.raise();
    await quickstart.enrol();
    const instance = await quickstart.install();
    const said = await quickstart.proveLogin(instance);
    report.heading('The machine says');
    report.line(said);
    report.heading('Stages');
    report.line(report.table());
    report.heading('Everything goes on running');
    report.line(await quickstart.commands(instance));
  } catch (error) {
    if (!interrupted.signal.aborted) await explain(error, quickstart);
    else if (wasUp) report.line('Interrupted; what was up before stays up.');
    else await tearDown(quickstart);
    if (!interrupted.signal.aborted)
      report.line('\nLeft as it is to be looked at; npm run quickstart -- --down removes it.');
    process.exitCode = interrupted.signal.aborted ? 130 : 1;
  }
}

/** The whole life of an instance, on a rack of its own that is gone afterwards whatever happened. */
async function once(settings: Settings): Promise<void> {
  const quickstart = new Quickstart(settings, report, interrupted.signal);
  if (await quickstart.down()) report.line('Removed what an earlier run had left.');
  try {
    await quickstart.raise();
    await quickstart.enrol();
    const instance = await quickstart.install();
    report.line((await quickstart.proveLogin(instance)).replace(/^/gm, '      '));
    await quickstart.destroy(instance);
  } catch (error) {
    if (!interrupted.signal.aborted) await explain(error, quickstart);
    process.exitCode = interrupted.signal.aborted ? 130 : 1;
  }
  await tearDown(quickstart);
  report.line(report.table());
  if (!process.exitCode) report.line('\nInstalled, used, wiped, given back. Nothing is left running.');
}

async function down(settings: readonly Settings[]): Promise<void> {
  for (const each of settings) {
    const quickstart = new Quickstart(each, report, interrupted.signal);
    if (await quickstart.down()) report.line(`${each.name} is down; the images stay in ${each.cacheDir}.`);
    else report.line(`${each.name} was not up.`);
  }
}

async function tearDown(quickstart: Quickstart): Promise<void> {
  await report.stage('controller and rack removed', () => quickstart.down());
}

async function assertPortFree(port: number): Promise<void> {
  if ((await freePort(port)) !== undefined) return;
  throw new QuickstartError(
    `port ${port} of this host's loopback is taken`,
    'Stop what listens there, or choose another: DODAI_QUICKSTART_PORT=8071 npm run quickstart',
  );
}

async function explain(error: unknown, quickstart: Quickstart): Promise<void> {
  report.line();
  report.line(await quickstart.evidence());
  sayWhy(error);
}

function sayWhy(error: unknown): void {
  const isOurs =
    error instanceof DomainError || error instanceof LabError || error instanceof QuickstartError;
  report.heading('The quickstart failed');
  report.line(isOurs ? error.message : String(error instanceof Error ? (error.stack ?? error) : error));
  if (isOurs && error.remedy) report.line(`What to do: ${error.remedy}`);
}

/** The first Ctrl-C ends in order, the second at once. */
function onSignal(): void {
  if (interrupted.signal.aborted) process.exit(130);
  report.line('\nInterrupted: cleaning up (again to leave at once).');
  interrupted.abort(new QuickstartError('interrupted'));
}

process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onSignal);

const program = new Command('quickstart')
  .description('From nothing to an installed machine, on a virtual rack; everything goes on running.')
  .option('--once', 'then destroy the instance, check the wiped disk, and remove everything')
  .option('--down', 'stop and remove what an earlier quickstart left running')
  .action(async (options: { once?: boolean; down?: boolean }) => {
    const [lasting, passing] = [lastingSettings(process.env), passingSettings(process.env)];
    if (options.down) await down([lasting, passing]);
    else if (options.once) await once(passing);
    else await stay(lasting);
  });

// Whatever is awaited, this program does not end before it has said how it went.
const awake = setInterval(() => undefined, 60_000);
try {
  await program.parseAsync();
} catch (error) {
  sayWhy(error);
  process.exitCode = 1;
} finally {
  clearInterval(awake);
}
