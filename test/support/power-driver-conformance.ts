import { DomainError } from '#core';
import { Secret } from '#platform';
import type { BmcAddress, PowerDriver } from '#power';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

/** A BMC and the machine behind it, seen from behind the driver's back. */
interface BmcUnderTest {
  bmc: BmcAddress;
  powerState(): 'on' | 'off';
  setPowerState(state: 'on' | 'off'): void;
  /** Any name that differs between devices. */
  bootDevice(): string | undefined;
  stop(): Promise<void> | void;
}

export interface PowerDriverUnderTest {
  driver: PowerDriver;
  makeBmc(): Promise<BmcUnderTest> | BmcUnderTest;
  /** An address where nothing answers. */
  silent: Pick<BmcAddress, 'host' | 'port'>;
}

async function failureOf(command: Promise<unknown>): Promise<DomainError> {
  const error: unknown = await command.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DomainError);
  return error as DomainError;
}

/** What every PowerDriver does, whatever protocol it speaks. */
export function describePowerDriver(name: string, make: () => PowerDriverUnderTest): void {
  describe(`${name} is a power driver`, () => {
    let subject: PowerDriverUnderTest;
    let driver: PowerDriver;
    let machine: BmcUnderTest;
    let bmc: BmcAddress;

    beforeAll(async () => {
      subject = make();
      driver = subject.driver;
      machine = await subject.makeBmc();
      bmc = machine.bmc;
    });
    beforeEach(() => machine.setPowerState('off'));
    afterAll(() => machine.stop());

    it('tells the power state', async () => {
      expect(await driver.status(bmc)).toBe('off');
      machine.setPowerState('on');
      expect(await driver.status(bmc)).toBe('on');
    });

    it('switches on, and a machine that is on stays on', async () => {
      await driver.on(bmc);
      await driver.on(bmc);
      await expect.poll(() => machine.powerState()).toBe('on');
      expect(await driver.status(bmc)).toBe('on');
    });

    it('switches off, and a machine that is off stays off', async () => {
      machine.setPowerState('on');
      await driver.off(bmc);
      await driver.off(bmc);
      await expect.poll(() => machine.powerState()).toBe('off');
      expect(await driver.status(bmc)).toBe('off');
    });

    it('has the operating system shut down', async () => {
      machine.setPowerState('on');
      await driver.softOff(bmc);
      await expect.poll(() => machine.powerState()).toBe('off');
    });

    it('resets without cutting the power', async () => {
      machine.setPowerState('on');
      await driver.reset(bmc);
      expect(machine.powerState()).toBe('on');
    });

    it('cycles the power, and the machine comes back', async () => {
      machine.setPowerState('on');
      await driver.cycle(bmc);
      await expect.poll(() => machine.powerState(), { timeout: 5000 }).toBe('on');
    });

    it('sets the boot device', async () => {
      await driver.setBootDevice(bmc, 'network', { persistent: false, mode: 'bios' });
      const network = machine.bootDevice();
      await driver.setBootDevice(bmc, 'disk', { persistent: true, mode: 'uefi' });
      expect(machine.bootDevice()).not.toBe(network);
      await driver.setBootDevice(bmc, 'network', { persistent: true, mode: 'uefi' });
      expect(machine.bootDevice()).toBe(network);
    });

    it('names a wrong password, and never shows it', async () => {
      const error = await failureOf(driver.on({ ...bmc, password: new Secret('hunter2') }));
      expect(error).toMatchObject({
        code: 'bmc-wrong-credentials',
        retryable: false,
        context: { executed: false },
      });
      expect(`${error.message} ${JSON.stringify(error.context)} ${error.stack}`).not.toContain('hunter2');
      expect(machine.powerState()).toBe('off');
    });

    it('names an unknown user', async () => {
      const error = await failureOf(driver.status({ ...bmc, user: 'nobody' }));
      expect(error.code).toBe('bmc-wrong-credentials');
      expect(error.message).toContain('nobody');
    });

    it('gives up on a BMC that does not answer, and says which one and what to do', async () => {
      const error = await failureOf(driver.status({ ...bmc, ...subject.silent }));
      expect(error).toMatchObject({ code: 'bmc-no-answer', retryable: true, context: { executed: false } });
      expect(error.message).toContain(`${subject.silent.host}:${subject.silent.port}`);
      expect(error.remedy).toBeTruthy();
    }, 15_000);

    it('stops when the caller aborts', async () => {
      const signal = AbortSignal.abort(new Error('shutting down'));
      await expect(driver.on(bmc, { signal })).rejects.toThrow('shutting down');
      expect(machine.powerState()).toBe('off');
    });
  });
}
