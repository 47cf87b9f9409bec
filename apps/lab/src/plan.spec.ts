import { describe, expect, it } from 'vitest';
import { LabError } from './lab-error.js';
import { parseRackOptions } from './options.js';
import { planRack } from './plan.js';

const plan = (name: string, machines = 3) =>
  planRack(parseRackOptions({ name, machines }), '/var/lib/lab', 'tcg');

describe('the plan of a rack', () => {
  it('gives every machine addresses, a MAC and names of its own', () => {
    const { machines } = plan('rack', 80);
    for (const value of ['name', 'mac', 'ip', 'uuid', 'tap', 'solPort', 'dir'] as const) {
      expect(new Set(machines.map((machine) => machine[value])).size).toBe(80);
    }
    const addresses = machines.flatMap(({ ip, bmc }) => [ip, bmc.host]);
    expect(new Set([...addresses, plan('rack').controllerAddress]).size).toBe(161);
  });

  it('gives a machine the same MAC, UUID and disk serials whenever its rack is made', () => {
    const lasting = () => plan('rack').machines.map(({ mac, uuid, disks }) => [mac, uuid, disks[0]?.serial]);
    expect(lasting()).toEqual(lasting());
    expect(plan('rack').machines[0]?.mac).toMatch(/^52:54:00(:[0-9a-f]{2}){3}$/);
    expect(plan('rack').machines[0]?.uuid).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });

  it('gives every card of every machine a MAC of its own', () => {
    const { machines } = planRack(parseRackOptions({ machines: 80, serviceNics: 2 }), '/var/lib/lab', 'tcg');
    const macs = machines.flatMap(({ mac, serviceNics }) => [mac, ...serviceNics.map((nic) => nic.mac)]);
    expect(new Set(macs).size).toBe(240);
  });

  it('tells machines of different racks apart', () => {
    expect(plan('one').machines[0]?.mac).not.toBe(plan('two').machines[0]?.mac);
  });

  it('makes a new BMC password for each machine, within the 16 bytes of IPMI 1.5', () => {
    const passwords = plan('rack').machines.map(({ bmc }) => bmc.password);
    expect(new Set(passwords).size).toBe(3);
    expect(passwords.every((password) => password.length === 16)).toBe(true);
  });

  it('keeps disk serials within the 20 bytes of virtio', () => {
    expect(plan('rack', 80).machines.every(({ disks }) => (disks[0]?.serial.length ?? 99) <= 20)).toBe(true);
  });

  it('keeps interface names within the 15 bytes of Linux', () => {
    expect(plan('rack', 80).machines.every(({ tap }) => tap.length <= 15)).toBe(true);
  });

  it.each([`/${'x'.repeat(90)}`, '/with space', '/a,b', '/a"b', '/a$b'])(
    'refuses the lab directory %j',
    (labDir) => {
      expect(() => planRack(parseRackOptions({}), labDir, 'tcg')).toThrow(LabError);
    },
  );
});
