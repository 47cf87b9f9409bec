import { Secret } from '#platform';
import type { BmcAddress } from '#power';
import { FakePowerDriver } from '#testing';
import { describePowerDriver } from '../support/power-driver-conformance.js';

/** The fake that other tests rely on does what the real driver does. */
describePowerDriver('FakePowerDriver', () => {
  const driver = new FakePowerDriver();
  const bmc: BmcAddress = {
    host: '192.0.2.1',
    port: 623,
    user: 'admin',
    password: new Secret('secret'),
    cipherSuite: 3,
  };
  return {
    driver,
    silent: { host: '192.0.2.2', port: 623 },
    makeBmc: () => {
      const machine = driver.add(bmc);
      return {
        bmc,
        powerState: () => machine.power,
        setPowerState: (state) => {
          machine.power = state;
        },
        bootDevice: () => machine.boot?.device,
        stop: () => undefined,
      };
    },
  };
});
