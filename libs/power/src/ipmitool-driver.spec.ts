import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type RunResult, Secret } from '#platform';
import { FakeProcessRunner } from '#testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IpmitoolDriver } from './ipmitool-driver.js';
import type { BmcAddress } from './power-driver.js';

const bmc: BmcAddress = {
  host: '10.0.0.7',
  port: 623,
  user: 'admin',
  password: new Secret('hunter2'),
  cipherSuite: 17,
};

let homeDirectory: string;
beforeAll(async () => {
  homeDirectory = await mkdtemp(path.join(tmpdir(), 'ipmitool-'));
});
afterAll(() => rm(homeDirectory, { recursive: true }));

function driverThatGets(result: Partial<RunResult>) {
  const runner = new FakeProcessRunner(() => result);
  return { runner, driver: new IpmitoolDriver(runner, { homeDirectory }) };
}

describe('IpmitoolDriver', () => {
  it('asks with the cipher suite given, the password in the environment, and bounded patience', async () => {
    const { runner, driver } = driverThatGets({ stdout: 'Chassis Power is on\n' });
    expect(await driver.status(bmc)).toBe('on');
    expect(runner.runs[0]).toMatchObject({
      file: 'ipmitool',
      args: '-I lanplus -H 10.0.0.7 -p 623 -U admin -E -C 17 -N 1 -R 2 -v chassis power status'.split(' '),
      options: { timeoutMs: 10_000, env: { HOME: homeDirectory, IPMI_PASSWORD: 'hunter2' } },
    });
  });

  it.each([
    ['network', { persistent: false, mode: 'bios' }, 'pxe'],
    ['network', { persistent: true, mode: 'bios' }, 'pxe options=persistent'],
    ['disk', { persistent: false, mode: 'uefi' }, 'disk options=efiboot'],
    ['disk', { persistent: true, mode: 'uefi' }, 'disk options=persistent,efiboot'],
  ] as const)('sets the boot device %s, %o', async (device, options, printed) => {
    const { runner, driver } = driverThatGets({ stdout: `Set Boot Device to ${printed.split(' ')[0]}\n` });
    await driver.setBootDevice(bmc, device, options);
    expect(runner.runs[0]?.args.slice(-printed.split(' ').length)).toEqual(printed.split(' '));
  });

  it('asks for the privilege given', async () => {
    const { runner, driver } = driverThatGets({ stdout: 'Chassis Power Control: Soft\n' });
    await driver.softOff({ ...bmc, privilege: 'OPERATOR' });
    expect(runner.runs[0]?.args.join(' ')).toContain('-C 17 -L OPERATOR -N 1');
  });

  it('gives ipmitool a home with a short list of enterprise numbers', async () => {
    await driverThatGets({ stdout: 'Chassis Power is off\n' }).driver.status(bmc);
    const files = await readdir(path.join(homeDirectory, '.local/usr/share/misc'));
    expect(files.toSorted()).toEqual(['enterprise-numbers', 'enterprise-numbers.txt']);
  });

  it('leaves that list whole for an ipmitool that reads it while another process begins', async () => {
    const begin = () => driverThatGets({ stdout: 'Chassis Power is off\n' }).driver.status(bmc);
    const list = path.join(homeDirectory, '.local/usr/share/misc/enterprise-numbers.txt');
    await begin();
    const { ino: before } = await stat(list);
    await begin();
    const { ino: since } = await stat(list);
    expect(since).not.toBe(before); // it was not emptied and written again, but another took its place
  });

  it('says so when it cannot write that home', async () => {
    const driver = new IpmitoolDriver(new FakeProcessRunner(), { homeDirectory: '/dev/null/home' });
    await expect(driver.status(bmc)).rejects.toMatchObject({
      code: 'internal',
      remedy: expect.stringContaining('/dev/null/home'),
    });
  });
});

const noSession = 'Error: Unable to establish IPMI v2 / RMCP+ session';

describe('a failure of ipmitool', () => {
  it.each([
    ['Address lookup for nosuch failed\nCould not open socket!', 'bmc-unreachable', false],
    ['Get Auth Capabilities error', 'bmc-no-answer', false],
    ['> RAKP 2 HMAC is invalid', 'bmc-wrong-credentials', false],
    ['RAKP 4 message indicates an error : invalid integrity check value', 'bmc-wrong-credentials', false],
    ['RAKP 2 message indicates an error : unauthorized name', 'bmc-wrong-credentials', false],
    ['RAKP 2 message indicates an error : unauthorized role requested', 'bmc-privilege', false],
    ['RAKP 2 message indicates an error : insufficient resources for session', 'bmc-busy', false],
    ['Error in open session response message : no matching cipher suite', 'bmc-wrong-cipher-suite', false],
    ['Error in open session response message : insufficient resources for session', 'bmc-busy', false],
    ['This BMC does not support IPMI v2 / RMCP+', 'bmc-refused', false],
    [
      'Set Session Privilege Level to ADMINISTRATOR failed: Invalid data field in request',
      'bmc-privilege',
      false,
    ],
  ])('to open a session: %s', async (said, code, executed) => {
    const { driver } = driverThatGets({ exitCode: 1, stderr: `${said}\n${noSession}\n` });
    await expect(driver.on(bmc)).rejects.toMatchObject({ code, context: { executed } });
  });

  it.each([
    ['Set Chassis Power Control to Up/On failed: Node busy', 'bmc-busy', false],
    ['Set Chassis Power Control to Up/On failed: Insufficient privilege level', 'bmc-privilege', false],
    ['Set Chassis Power Control to Up/On failed: Invalid data field in request', 'bmc-refused', false],
    ['Unable to set Chassis Power Control to Up/On', 'bmc-no-answer', 'unknown'],
    ['Something new', 'bmc-answer-unknown', 'unknown'],
    ['', 'bmc-answer-unknown', 'unknown'],
  ])('to do what was asked: %s', async (said, code, executed) => {
    const { driver } = driverThatGets({ exitCode: 1, stderr: `Loading IANA PEN Registry...\n${said}\n` });
    await expect(driver.on(bmc)).rejects.toMatchObject({ code, context: { executed } });
  });

  it('does not take what a login prints in passing for the failure', async () => {
    const inPassing =
      'Invalid completion code received: Insufficient privilege level\nDiscovered IPMB address 0x0\n';
    const { driver } = driverThatGets({ exitCode: 1, stderr: `${inPassing}Something new` });
    await expect(driver.on(bmc)).rejects.toMatchObject({ code: 'bmc-answer-unknown' });
  });

  it('says what was asked of which BMC, what was found, and what to do', async () => {
    const { driver } = driverThatGets({ exitCode: 1, stderr: `> RAKP 2 HMAC is invalid\n${noSession}\n` });
    await expect(driver.cycle(bmc)).rejects.toMatchObject({
      message:
        'BMC 10.0.0.7:623 was asked to power-cycle the machine: it does not accept the password of the user admin',
      remedy: 'correct the BMC password of the machine (at most 20 bytes)',
    });
  });

  it('may have been carried out when ipmitool had to be ended', async () => {
    const { driver } = driverThatGets({ exitCode: null, timedOut: true, durationMs: 10_012 });
    await expect(driver.reset(bmc)).rejects.toMatchObject({
      code: 'bmc-no-answer',
      message: expect.stringContaining('10012 ms'),
      context: { executed: 'unknown' },
    });
  });
});
