import { expect } from 'vitest';

/** Runs a command in an OS, and answers what it prints. */
type Shell = (command: string) => Promise<string>;

const vlanId = 100;
/** Every warning with the lines that belong to it. */
const warnings = "sudo awk '/^[0-9]{4}-/ { keep = /WARN|ERROR|Traceback/ } keep' /var/log/cloud-init.log";
/** What netplan of Debian 12 says of the file that cloud-init of Debian 12 writes. */
const known = /^$|Running \['netplan', 'apply'\] resulted in stderr output|Permissions for \/etc\/netplan/;

/** Both service cards in a bond without DHCP, an address on it, and one on a VLAN on it. */
export const serviceNetwork = (number: number) => ({
  links: [
    { id: 'service1', type: 'phy' as const, nic: 'service1' as const },
    { id: 'service2', type: 'phy' as const, nic: 'service2' as const },
    { id: 'bond0', type: 'bond' as const, members: ['service1', 'service2'], mode: 'active-backup' as const },
    { id: `bond0.${vlanId}`, type: 'vlan' as const, link: 'bond0', vlanId },
  ],
  addresses: [
    { type: 'static' as const, link: 'bond0', address: `10.1.0.${number}/24` },
    { type: 'static' as const, link: `bond0.${vlanId}`, address: `10.100.0.${number}/24` },
  ],
});

export async function proveServiceNetwork(run: Shell, number: number): Promise<void> {
  const addresses = await run('ip -brief -4 address');
  expect(addresses).toMatch(new RegExp(`^bond0 +UP +10\\.1\\.0\\.${number}/24`, 'm'));
  expect(addresses).toMatch(new RegExp(`^bond0\\.${vlanId}@bond0 +UP +10\\.100\\.0\\.${number}/24`, 'm'));
  expect(await run('cat /proc/net/bonding/bond0')).toMatch(
    /active-backup[^]*service1[^]*service2|active-backup[^]*Slave Interface[^]*Slave Interface/,
  );
  expect(await run(`ip -details link show bond0.${vlanId}`)).toContain(`vlan protocol 802.1Q id ${vlanId}`);
}

/** Waits until cloud-init is done; what it has warned of. */
export async function cloudInitFaults(run: Shell): Promise<string[]> {
  expect(await run('cloud-init status --wait --long')).toMatch(/^status: done/m);
  return (await run(warnings)).split('\n').filter((line) => !known.test(line));
}
