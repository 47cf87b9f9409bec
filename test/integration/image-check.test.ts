import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { debian, finding, inspect, notOk } from '../support/image-inspection.js';
import { type Files, ImageBench } from '../support/image-tree.js';

let bench: ImageBench;
beforeAll(async () => {
  bench = await ImageBench.make();
});
afterAll(() => bench.remove());

/** What was found of a tarball of a good root with these changes. */
const changed = async (changes: Files) => inspect(await bench.tar(await bench.tree(changes)), 'tarball');

type Kind = Parameters<typeof inspect>[1];

describe('a root file system is read from inside, whatever it is in:', () => {
  it.each<[string, (tree: string) => Promise<string>, Kind, string | null]>([
    ['ext4', (tree) => bench.ext(tree), 'file_system', 'ext4'],
    ['ext2', (tree) => bench.ext(tree, 16, 'ext2'), 'file_system', 'ext2'],
    ['XFS', (tree) => bench.xfs(tree), 'file_system', 'xfs'],
    ['Btrfs', (tree) => bench.btrfs(tree), 'file_system', 'btrfs'],
    ['tar', (tree) => bench.tar(tree), 'tarball', null],
    [
      'tar, of names without a point before them',
      (tree) => bench.tar(tree, '--transform=s,^\\./,,'),
      'tarball',
      null,
    ],
  ])('%s', async (_what, pack, kind, fileSystem) => {
    const found = await inspect(await pack(await bench.tree()), kind, fileSystem);
    expect(found.description).toEqual({
      ...debian,
      bootModes: [],
      installableBootModes: ['bios', 'uefi'],
      partitionTable: null,
      rootPartition: null,
      rootFileSystem: fileSystem,
    });
    expect(notOk(found)).toEqual([]);
    expect(found.findings.map(({ check }) => check)).toEqual([
      'architecture',
      'boot-loader-bios',
      'boot-loader-uefi',
      'kernel',
      'systemd',
      'growpart',
      'network',
      'pinned-mac',
      'ssh-server',
      'firewall',
      'selinux',
      'owner',
      'serial-console',
      'identity',
    ]);
  });
});

type Case = [fact: string, check: string, result: 'ok' | 'warning' | 'fault', changes: Files, says?: RegExp];

const wants = 'etc/systemd/system/multi-user.target.wants';
const unit = { link: '/lib/systemd/system/it.service' };
const elf = (machine: number, order: 1 | 2 = 1) => {
  const header = Buffer.alloc(64);
  header.write(`\x7fELF\x02${String.fromCharCode(order)}\x01`, 'latin1');
  header[order === 1 ? 18 : 19] = machine;
  return header;
};
const noGrub = { 'usr/sbin/grub-install': null };

describe('a requirement is met or not:', () => {
  it.each<Case>([
    ['programs of another processor', 'architecture', 'fault', { 'usr/bin/dash': elf(183) }, /aarch64/],
    [
      'programs in the other order of bytes',
      'architecture',
      'fault',
      { 'usr/bin/dash': elf(22, 2) },
      /s390x/,
    ],
    ['programs of 32 bits', 'architecture', 'fault', { 'usr/bin/dash': elf(3) }, /i686/],
    ['a shell that is a script', 'architecture', 'warning', { 'usr/bin/dash': '#!/bin/false' }],
    ['no grub-install', 'boot-loader-bios', 'fault', noGrub, /no grub-install/],
    ['no update-grub', 'boot-loader-uefi', 'fault', { 'usr/sbin/update-grub': null }, /update-grub/],
    ['GRUB for UEFI alone', 'boot-loader-bios', 'warning', { 'usr/lib/grub/i386-pc/boot.img': null }],
    ['GRUB for BIOS alone', 'boot-loader-uefi', 'warning', { 'usr/lib/grub/x86_64-efi/modinfo.sh': null }],
    ['GRUB and shim with signatures', 'boot-loader-uefi', 'ok', {}, /with Secure Boot/],
    ['no shim', 'boot-loader-uefi', 'ok', { 'usr/lib/shim/shimx64.efi.signed': null }, /without Secure Boot/],
    ['no kernel', 'kernel', 'fault', { 'boot/vmlinuz-6.1.0': null }],
    ['no initramfs', 'kernel', 'warning', { 'boot/initrd.img-6.1.0': null }],
    [
      'a kernel where kernel-install puts it',
      'kernel',
      'ok',
      {
        'boot/vmlinuz-6.1.0': null,
        [`boot/${'a'.repeat(32)}/6.9/linux`]: 'kernel',
        [`boot/${'a'.repeat(32)}/6.9/initrd`]: 'initramfs',
      },
    ],
    ['another init', 'systemd', 'fault', { 'usr/lib/systemd/systemd': null }],
    ['no network', 'network', 'fault', { 'usr/lib/systemd/systemd-networkd': null }],
    [
      'NetworkManager beside networkd',
      'network',
      'ok',
      { [`${wants}/NetworkManager.service`]: unit, 'usr/sbin/NetworkManager': elf(62) },
      /with NetworkManager/,
    ],
    ['ifupdown', 'network', 'ok', { 'usr/sbin/ifup': elf(62), 'etc/network/if-up.d/x': '' }, /ifupdown/],
    ['ifup of another kind', 'network', 'ok', { 'usr/sbin/ifup': elf(62) }, /systemd-networkd/],
    ['netplan', 'network', 'ok', { 'usr/sbin/netplan': '#!/usr/bin/python3' }, /netplan/],
    [
      'HWADDR',
      'pinned-mac',
      'fault',
      { 'etc/sysconfig/network-scripts/ifcfg-eth0': 'DEVICE=eth0\nHWADDR="52:54:00:12:34:56"\n' },
      /ifcfg-eth0/,
    ],
    [
      'ifcfg without HWADDR',
      'pinned-mac',
      'ok',
      { 'etc/sysconfig/network-scripts/ifcfg-eth0': '# HWADDR=52:54:00:12:34:56\nBOOTPROTO=dhcp\n' },
    ],
    [
      'netplan that matches a MAC',
      'pinned-mac',
      'fault',
      { 'etc/netplan/50-cloud-init.yaml': 'ethernets: {e: {match: {macaddress: "52:54:00:12:34:56"}}}\n' },
      /50-cloud-init/,
    ],
    [
      'a connection of NetworkManager',
      'pinned-mac',
      'fault',
      {
        'etc/NetworkManager/system-connections/a.nmconnection': '[ethernet]\nmac-address=52:54:00:12:34:56\n',
      },
    ],
    [
      'a .link file',
      'pinned-mac',
      'fault',
      { 'etc/systemd/network/10.link': '[Match]\nMACAddress=52:54:00:12:34:56\n' },
    ],
    [
      'udev rules of another machine',
      'pinned-mac',
      'warning',
      {
        'etc/udev/rules.d/70-persistent-net.rules': 'SUBSYSTEM=="net", ATTR{address}=="52:54:00:12:34:56"\n',
      },
      /dodai removes it/,
    ],
    [
      'udev rules that are empty',
      'pinned-mac',
      'ok',
      { 'etc/udev/rules.d/70-persistent-net.rules': '# nothing\n\n' },
    ],
    [
      'a generator of udev rules',
      'pinned-mac',
      'warning',
      { 'usr/lib/udev/rules.d/75-persistent-net-generator.rules': 'ACTION!="add", GOTO="end"\n' },
    ],
    ['no SSH server', 'ssh-server', 'fault', { 'usr/sbin/sshd': null }, /no SSH server/],
    ['an SSH server that nothing starts', 'ssh-server', 'fault', { [`${wants}/ssh.service`]: null }],
    [
      'an SSH server on a socket',
      'ssh-server',
      'ok',
      { [`${wants}/ssh.service`]: null, 'etc/systemd/system/sockets.target.wants/ssh.socket': unit },
    ],
    [
      'an SSH server that System V starts',
      'ssh-server',
      'ok',
      { [`${wants}/ssh.service`]: null, 'etc/rc2.d/S01ssh': { link: '../init.d/ssh' } },
    ],
    [
      'ufw that is on',
      'firewall',
      'warning',
      { [`${wants}/ufw.service`]: unit, 'etc/ufw/ufw.conf': 'ENABLED=yes\n' },
      /ufw/,
    ],
    [
      'ufw that is off',
      'firewall',
      'ok',
      { [`${wants}/ufw.service`]: unit, 'etc/ufw/ufw.conf': 'ENABLED=no\n' },
    ],
    ['firewalld', 'firewall', 'warning', { [`${wants}/firewalld.service`]: unit }],
    [
      'nftables with a policy',
      'firewall',
      'warning',
      {
        [`${wants}/nftables.service`]: unit,
        'etc/nftables.conf': 'chain input { type filter hook input priority 0; policy drop; }\n',
      },
    ],
    [
      'nftables as Debian brings it',
      'firewall',
      'ok',
      { [`${wants}/nftables.service`]: unit, 'etc/nftables.conf': '# policy drop;\nflush ruleset\n' },
    ],
    [
      'iptables',
      'firewall',
      'warning',
      { [`${wants}/netfilter-persistent.service`]: unit, 'etc/iptables/rules.v4': ':INPUT DROP [0:0]\n' },
    ],
    ['SELinux that is enforced', 'selinux', 'warning', { 'etc/selinux/config': 'SELINUX=enforcing\n' }],
    [
      'SELinux that warns',
      'selinux',
      'ok',
      { 'etc/selinux/config': '# SELINUX=enforcing\nSELINUX=permissive\n' },
    ],
    ['cloud-init', 'owner', 'ok', { 'usr/bin/cloud-init': '#!/usr/bin/python3' }, /It has cloud-init/],
    [
      'root alone, who is turned away',
      'owner',
      'warning',
      {
        'etc/passwd': 'root:x:0:0::/root:/bin/sh\n',
        'etc/ssh/sshd_config': '#PermitRootLogin yes\nPermitRootLogin no\n',
      },
    ],
    [
      'root alone, whom a later file lets in',
      'owner',
      'ok',
      {
        'etc/passwd': 'root:x:0:0::/root:/bin/sh\n',
        'etc/ssh/sshd_config': 'PermitRootLogin no\n',
        'etc/ssh/sshd_config.d/10.conf': 'PermitRootLogin prohibit-password\n',
      },
    ],
    [
      'the identity of a machine',
      'identity',
      'ok',
      { 'etc/machine-id': `${'0a'.repeat(16)}\n`, 'etc/ssh/ssh_host_ed25519_key': 'key' },
      /a machine id and SSH host keys/,
    ],
  ])('%s: %s is %s', async (_fact, check, result, changes, says = /./) => {
    const found = finding(await changed(changes), check);
    expect(found).toMatchObject({ result, message: expect.stringMatching(says) });
    expect(found?.message).toMatch(/^\S.*\.$/);
    if (result === 'ok') expect(found?.remedy).toBeUndefined();
    else expect(found?.remedy).toMatch(/^[A-Z].{20,}\.$/);
  });
});

describe('a description', () => {
  const described = async (changes: Files) => (await changed(changes)).description;

  it.each<[string, Files, string | null]>([
    [
      'the newest boot entry',
      {
        'boot/loader/entries/a-6.9.conf': 'options root=/dev/old\n',
        'boot/loader/entries/a-6.10.conf': 'title Linux\noptions root=/dev/sda2 $kernelopts\n',
        'boot/grub2/grubenv': '# GRUB Environment Block\nkernelopts=ro console=ttyS0\n',
      },
      'root=/dev/sda2 ro console=ttyS0',
    ],
    [
      "the first entry of GRUB's menu",
      {
        'boot/grub/grub.cfg':
          'if x; then\n  linux\t/vmlinuz-6.1 root=UUID=1 ro console=ttyS0\nfi\nlinux /b single\n',
      },
      'root=UUID=1 ro console=ttyS0',
    ],
    ['/etc/kernel/cmdline', { 'etc/kernel/cmdline': 'quiet\nsplash' }, 'quiet splash'],
    [
      'what is added',
      { 'etc/default/grub.d/10_cloud.cfg': `GRUB_CMDLINE_LINUX+=' a="b c"'\n` },
      'console=tty0 a="b c" quiet',
    ],
    ['nothing', { 'etc/default/grub': null, 'etc/default/grub.d/10_cloud.cfg': null }, null],
  ])('has the kernel arguments of %s', async (_what, changes, kernelArguments) => {
    expect(await described(changes)).toMatchObject({ kernelArguments });
  });

  it.each<[string, Files, string | null]>([
    [
      'cloud-init makes',
      { 'etc/cloud/cloud.cfg': 'system_info:\n  default_user:\n    name: ubuntu\n    gecos: Ubuntu\n' },
      'ubuntu',
    ],
    [
      'a later file of cloud-init makes',
      {
        'etc/cloud/cloud.cfg': 'system_info: {default_user: {name: ubuntu}}\n',
        'etc/cloud/cloud.cfg.d/99.cfg': 'system_info: {default_user: {name: admin}}\n',
      },
      'admin',
    ],
    ['is the first account', { 'etc/cloud/cloud.cfg': 'a: [\n' }, 'debian'],
    ['is nobody', { 'etc/passwd': 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n' }, null],
  ])('has the user that %s', async (_what, changes, defaultUser) => {
    expect(await described(changes)).toMatchObject({ defaultUser });
  });

  it.each([
    ['is there', { 'usr/bin/cloud-init': '#!/usr/bin/python3' }, true],
    ['was put to rest', { 'usr/bin/cloud-init': '', 'etc/cloud/cloud-init.disabled': '' }, false],
    ['is not there', {}, false],
  ])('says whether cloud-init configures it, which %s', async (_what, changes, cloudInit) => {
    expect(await described(changes)).toMatchObject({ cloudInit });
  });

  it('shows nothing that could move a cursor', async () => {
    const { os } = await described({
      'usr/lib/os-release': `PRETTY_NAME="\x1b[2JDebian\x07"\n${'ID=x'.repeat(99)}`,
    });
    expect(os).toEqual({ id: expect.stringMatching(/^x[\w=]{59}…$/), name: '[2JDebian', version: null });
  });
});
