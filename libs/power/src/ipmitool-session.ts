import { randomUUID } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DomainError } from '#core';
import type { BmcAddress } from './power-driver.js';

/**
 * ipmitool gives every packet a second, then once more two: 6 s until a BMC counts as silent (its own 4 tries take 20 s and more).
 * -v: without it no reason is printed why a session could not be opened.
 */
const patience = ['-N', '1', '-R', '2', '-v'];

/**
 * ipmitool reads the 4.7 MB list of IANA's enterprise numbers at every start unless it finds one in its HOME: 21 ms of CPU a
 * command with it, 6 without (test/bench/power.bench.ts). Debian's ipmitool looks for the name with .txt, upstream's for the
 * one without; an empty file is refused.
 */
const enterpriseNumbers = path.join('.local', 'usr', 'share', 'misc', 'enterprise-numbers');
const stub = '0\n  Reserved\n';

/** What ipmitool needs to log in to a BMC. */
export class IpmitoolSession {
  private prepared: Promise<void> | undefined;

  /** @param home a directory that becomes ipmitool's HOME; it is created, and needs no backup */
  constructor(private readonly home: string) {}

  /** The password goes by the environment: arguments are seen by everybody on this host. */
  async environment(bmc: BmcAddress): Promise<Record<string, string>> {
    await this.prepare();
    return { HOME: this.home, IPMI_PASSWORD: bmc.password.reveal(), LC_ALL: 'C' };
  }

  args({ host, port, user, cipherSuite, privilege }: BmcAddress): string[] {
    const session = ['-I', 'lanplus', '-H', host, '-p', `${port}`, '-U', user, '-E', '-C', `${cipherSuite}`];
    return session.concat(privilege ? ['-L', privilege] : [], patience);
  }

  private prepare(): Promise<void> {
    this.prepared ??= writeStubs(this.home).catch((cause: unknown) => {
      this.prepared = undefined;
      throw new DomainError('internal', `${this.home} could not be made a home for ipmitool`, {
        cause,
        remedy: `make ${this.home} writable, and see that its disk is not full`,
      });
    });
    return this.prepared;
  }
}

async function writeStubs(home: string): Promise<void> {
  const file = path.join(home, enterpriseNumbers);
  await mkdir(path.dirname(file), { recursive: true });
  await Promise.all([file, `${file}.txt`].map(writeStub));
}

/** Whole at any moment: consoles and other processes have the same home, and an ipmitool of theirs may be reading it. */
async function writeStub(file: string): Promise<void> {
  const whole = `${file}.${randomUUID()}`;
  await writeFile(whole, stub);
  await rename(whole, file);
}
