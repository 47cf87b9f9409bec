import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { InstanceView } from '#contract';
import { demoImage } from '../../apps/quickstart/src/demo-image.js';
import { instanceType } from '../../apps/quickstart/src/inventory.js';
import { cloudInitFaults, proveServiceNetwork, serviceNetwork } from './configured-os.js';
import { factsWith } from './facts.js';
import { RackUnderTest } from './rack-under-test.js';

const { name: plainImage, defaultUser } = demoImage('');
const installMs = 1_200_000;
const bootMs = 600_000;
/** Of `correct horse`. */
const passwordHash =
  '$6$rackrackrack$NM0Xh9NRI0DMJAWJw8sBNpVXnLpe/lvXTdXCG1xP8.khp6weK.5dQtsM1PAwRvoXf/F5FJHN050oegkDOWett0';
const token = { path: '/etc/rack/token', mode: '0640', owner: 'root:adm', content: 'only for some\n' };
const onceAnInstance = '#!/bin/sh\nprintf "%s\\n" "$(hostname)" >>/var/log/once\n';

const kinds = [
  { machine: 'm1', hasCloudInit: true, configDrive: true },
  { machine: 'm2', hasCloudInit: true, configDrive: false },
  { machine: 'm3', hasCloudInit: false, configDrive: true },
];

describe.sequential('an OS comes up as its owner’s', () => {
  let site: RackUnderTest;
  let instances: InstanceView[] = [];

  beforeAll(async () => {
    site = await RackUnderTest.raise(
      'e2e-conf',
      kinds.map(() => ({ serviceNics: 2, memoryMiB: 1280 })),
    );
    const cloudInitImage = await site.importCloudInitImage();
    instances = await Promise.all(
      kinds.map(({ machine, hasCloudInit, configDrive }, index) =>
        site.client.spawn({
          hostName: `host-${machine}`,
          machine,
          image: hasCloudInit ? cloudInitImage : plainImage,
          instanceType: instanceType.name,
          cluster: 'rack',
          sshKeys: [site.owner.publicKey],
          passwordHash,
          files: [token],
          userData: onceAnInstance,
          network: serviceNetwork(index + 1),
          configDrive,
        }),
      ),
    );
  });
  afterAll(async () => {
    await site?.down();
  });

  const fact = factsWith(() => site.evidence(instances));
  const login = (machine: string, command: string) =>
    site.owner.run(site.rack, defaultUser, site.rack.machine(machine).ip, command);
  const onAll = async (check: (kind: (typeof kinds)[number], number: number) => Promise<void>) => {
    await Promise.all(kinds.map((kind, index) => check(kind, index + 1)));
  };

  fact(
    'with cloud-init from a config drive or from the metadata service, and without cloud-init',
    async () => {
      instances = await Promise.all(instances.map(({ id }) => site.until('installed', id, installMs)));
      expect(instances.map(({ state }) => state)).toEqual(['active', 'active', 'active']);
    },
  );

  fact('by its name, with its key, password and file', () =>
    onAll(async ({ machine }) => {
      expect(await login(machine, 'hostname')).toBe(`host-${machine}`);
      expect(
        await login(machine, `sudo stat --format '%a %U:%G' ${token.path}; sudo cat ${token.path}`),
      ).toBe(`640 root:adm\n${token.content.trim()}`);
      expect(await login(machine, `sudo getent shadow ${defaultUser} | cut -d : -f 2`)).toBe(passwordHash);
    }),
  );

  fact('with a bond and a VLAN on it, whose static addresses all the others reach', () =>
    onAll(async ({ machine }, number) => {
      await proveServiceNetwork((command) => login(machine, command), number);
      for (const other of [1, 2, 3])
        expect(
          await login(machine, `ping -c 1 -W 5 10.100.0.${other}; ping -c 1 -W 5 10.1.0.${other}`),
        ).not.toContain('100% packet loss');
    }),
  );

  fact('and finds nothing that is not as it was asked for', () =>
    onAll(async (_kind, number) => {
      const { checks } = await site.client.doctor(instances[number - 1]?.id ?? '');
      expect(checks.length).toBeGreaterThan(4);
      expect(checks.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
    }),
  );

  fact('cloud-init is done, and has warned of nothing', async () => {
    for (const { machine } of kinds.filter(({ hasCloudInit }) => hasCloudInit))
      expect(await cloudInitFaults((command) => login(machine, command))).toEqual([]);
  });

  /** One machine by itself: each start takes minutes when all of them share two cores. */
  fact('its script has run once, and does not again when it starts anew, twice', async () => {
    for (let start = 0; start < 2; start++) {
      const shown = (await site.rack.serialLog('m1')).length;
      await login('m1', 'sudo systemctl reboot').catch(() => undefined);
      await site.waitForLogin('m1', 'host-m1', bootMs, shown);
    }
    await login('m1', 'cloud-init status --wait');
    await onAll(async ({ machine }) =>
      expect(await login(machine, 'cat /var/log/once')).toBe(`host-${machine}`),
    );
  });
});
