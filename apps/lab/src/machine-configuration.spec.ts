import { describe, expect, it } from 'vitest';
import { bmcConfig } from './bmc-config.js';
import { networkCommands } from './namespace.js';
import { parseRackOptions } from './options.js';
import { planRack } from './plan.js';
import { qemuScript } from './qemu-command.js';

const disks = ['sata:1G', 'virtio:1G', 'nvme:1G', 'sata:1G'];
const rack = planRack(parseRackOptions({ machines: [{ disks, nic: 'e1000' }, {}] }), '/lab', 'tcg');
const [machine] = rack.machines;
if (!machine) throw new Error('the plan has no machine');

describe('the script that starts QEMU', () => {
  const script = qemuScript(machine, 'tcg');

  it('boots from the network first, from the disks in their order next', () => {
    expect(script).toMatch(/-device "e1000,.*bootindex=\$\{nic_bootindex:-1\}"/);
    expect([...script.matchAll(/bootindex=(\d)/g)].map(([, index]) => index)).toEqual(['2', '3', '4', '5']);
  });

  it('puts SATA disks on ports of one controller', () => {
    expect(script.match(/ich9-ahci/g)).toHaveLength(1);
    expect(script).toContain('ide-hd,bus=ahci0.0,id=disk0');
    expect(script).toContain('ide-hd,bus=ahci0.1,id=disk3');
  });

  it('has no SATA controller where there is no SATA disk', () => {
    const second = rack.machines[1];
    expect(second && qemuScript(second, 'tcg')).not.toContain('ahci');
  });

  it('has a slot of its own for each memory card, which nothing starts from', () => {
    const [carded] = planRack(parseRackOptions({ disks: ['virtio:1G', 'mmc:1G'] }), '/lab', 'tcg').machines;
    const lines = carded && qemuScript(carded, 'tcg');
    expect(lines).toMatch(/"sdhci-pci,id=mmc1" \\\n +-device "sd-card,drive=drive1"/);
  });

  it('appends the serial line to the log and sends it to the relay', () => {
    expect(script).toContain('path=/lab/rack/machines/m1/serial.sock,reconnect=1');
    expect(script).toContain('logfile=/lab/rack/machines/m1/serial.log,logappend=on');
  });

  it('has sectors of 4096 bytes where they are asked for', () => {
    const [native] = planRack(parseRackOptions({ disks: ['nvme:1G:4k'] }), '/lab', 'tcg').machines;
    expect(native && qemuScript(native, 'tcg')).toContain('logical_block_size=4096,physical_block_size=4096');
    expect(script).not.toContain('block_size');
  });

  it('has service cards on a network of their own, from which nothing boots', () => {
    const plan = planRack(parseRackOptions({ machines: 1, serviceNics: 2 }), '/lab', 'tcg');
    const [{ serviceNics, ...with2 }] = plan.machines as [(typeof plan.machines)[number]];
    const nics = qemuScript({ ...with2, serviceNics }, 'tcg').match(/virtio-net-pci,.*/g);
    expect(nics).toHaveLength(3);
    expect(nics?.slice(1).join()).not.toContain('bootindex');
    expect(networkCommands(plan)).toContain('link set tap-m1-s2 master br-service up');
    expect(networkCommands(plan)).not.toMatch(/address add .* dev br-service/);
  });

  it('uses the processor of the host under KVM', () => {
    expect(qemuScript(machine, 'kvm')).toContain('-cpu "host"');
  });
});

describe('the script that starts a machine with UEFI', () => {
  const scriptWith = (firmware: string) => {
    const [machine] = planRack(parseRackOptions({ firmware }), '/lab', 'tcg').machines;
    return machine ? qemuScript(machine, 'tcg') : '';
  };

  it('has code that nobody can write, and variables of its own', () => {
    expect(flashOf(scriptWith('uefi'))).toEqual([
      'readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd',
      'file=/lab/rack/machines/m1/efivars.fd',
    ]);
    expect(scriptWith('bios')).not.toMatch(/pflash|fw_cfg/);
  });

  it('keeps the variables from all but the firmware with Secure Boot', () => {
    expect(scriptWith('uefi-secure')).toContain('OVMF_CODE_4M.secboot.fd');
    expect(scriptWith('uefi-secure')).toContain('q35,smm=on,');
    expect(scriptWith('uefi-secure')).toContain('driver=cfi.pflash01,property=secure,value=on');
  });

  const flashOf = (text: string) =>
    [...text.matchAll(/if=pflash,format=raw,unit=\d,([^"]+)"/g)].map(([, rest]) => rest);
});

describe('the configuration of a BMC', () => {
  const config = bmcConfig(machine, '/lab/rack/chassis.sh');

  it('listens on the address of the BMC only', () => {
    expect(config.match(/^ +addr .*$/gm)).toEqual(['    addr 10.77.0.101 623']);
  });

  it('hands power and boot device to the chassis of its machine', () => {
    expect(config).toContain('chassis_control "/lab/rack/chassis.sh /lab/rack/machines/m1"');
  });

  it('has one administrator, with the password of the plan', () => {
    expect(config).toContain(`user 2 true "admin" "${machine.bmc.password}" admin`);
    expect(config).toContain('user 1 false');
  });
});

describe('the network of a rack', () => {
  it('has the addresses of controller and BMCs and a port for each machine', () => {
    expect(networkCommands(rack)).toBe(`link set lo up
link add br0 type bridge forward_delay 0
address add 10.77.0.1/24 dev br0
address add 169.254.169.254/32 dev br0
link add br-service type bridge forward_delay 0 mcast_snooping 0
address add 10.77.0.101/32 dev br0
tuntap add dev tap-m1 mode tap
link set tap-m1 master br0 up
address add 10.77.0.102/32 dev br0
tuntap add dev tap-m2 mode tap
link set tap-m2 master br0 up
link set br0 up
link set br-service up
`);
  });
});
