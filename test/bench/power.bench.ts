import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ExecaProcessRunner, type RunOptions, type RunResult, Secret } from '#platform';
import { type BmcAddress, IpmitoolDriver } from '#power';
import { bench, describe } from 'vitest';
import { startIpmiSim } from '../support/ipmi-sim.js';

/** As installed: a HOME without the short list of enterprise numbers. */
class PlainHomeRunner extends ExecaProcessRunner {
  override run(file: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
    return super.run(file, args, { ...options, env: { ...options.env, HOME: '/nonexistent' } });
  }
}

/** CPU of the programs that were run and have ended, in milliseconds (proc(5), cutime and cstime, at 100 ticks a second). */
function programsCpuMs(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[13]) + Number(fields[14])) * 10;
}

function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const sim = await startIpmiSim();
const directory = mkdtempSync(path.join(tmpdir(), 'power-bench-'));
const bmc: BmcAddress = { ...sim, password: new Secret(sim.password), cipherSuite: 3 };
const found: Record<string, { ipmitoolMs: number; nodeMs: number }> = {};
const iterations = 100;

function measure(name: string, driver: IpmitoolDriver, afterwards?: () => Promise<void>): void {
  let programsMs = 0;
  let ownMs = 0;
  bench(
    name,
    async () => {
      await driver.status(bmc);
    },
    {
      iterations,
      time: 0,
      warmupIterations: 3,
      warmupTime: 0,
      setup: () => {
        programsMs = programsCpuMs();
        ownMs = ownCpuMs();
      },
      teardown: async (_task, mode) => {
        if (mode !== 'run') return;
        found[name] = {
          ipmitoolMs: (programsCpuMs() - programsMs) / iterations,
          nodeMs: (ownCpuMs() - ownMs) / iterations,
        };
        await afterwards?.();
      },
    },
  );
}

/** Here, since Vitest runs no afterAll of a benchmark. */
async function report(): Promise<void> {
  await sim.stop();
  rmSync(directory, { recursive: true });
  const [plain, stubbed] = Object.values(found);
  console.log('CPU milliseconds a look:', found);
  if (plain && stubbed)
    console.log(`ratio of ipmitool: ${(plain.ipmitoolMs / stubbed.ipmitoolMs).toFixed(1)}`);
}

describe('one look at the power of a machine', () => {
  const options = { homeDirectory: path.join(directory, 'home') };
  measure('ipmitool as installed', new IpmitoolDriver(new PlainHomeRunner(), options));
  measure(
    'ipmitool in the home that the driver makes',
    new IpmitoolDriver(new ExecaProcessRunner(), options),
    report,
  );
});
