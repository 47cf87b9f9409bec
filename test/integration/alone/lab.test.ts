import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '#platform';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rack, type RackMachine } from '../../../apps/lab/src/index.js';
import { runsGuest } from '../../../apps/lab/src/accelerator.js';

const name = `labtest-${process.pid}`;
const sectorBytes = 512;

async function ipmi(rack: Rack, { bmc }: RackMachine, ...command: string[]): Promise<string> {
  const session = ['-I', 'lanplus', '-C', '3', '-H', bmc.host, '-U', bmc.user, '-E', '-N', '2', '-R', '3'];
  const options = { env: { IPMI_PASSWORD: bmc.password }, timeout: 30_000 };
  return String((await rack.exec('ipmitool', [...session, ...command], options)).stdout);
}

/** Command lines of all processes that name the directory; zombies have none. */
async function processesNaming(text: string): Promise<string[]> {
  const { stdout } = await execa('ps', ['-eo', 'args']);
  return stdout.split('\n').filter((line) => line.includes(text));
}

describe('a rack', () => {
  let labDir: string;
  let rack: Rack;
  let machine: RackMachine;

  beforeAll(async () => {
    labDir = await mkdtemp(path.join(tmpdir(), 'lab-'));
    rack = await Rack.create({
      name,
      labDir,
      machines: 1,
      memoryMiB: 128,
      disks: ['virtio:16M', 'nvme:16M'],
    });
    machine = rack.machine('m1');
  });

  afterAll(async () => {
    if (await Rack.names(labDir).then((names) => names.includes(name))) await rack.down();
    await rm(labDir, { recursive: true, force: true });
  });

  it('has machines that are off, with empty disks', async () => {
    expect(rack.powerState(machine)).toBe('off');
    expect(await ipmi(rack, machine, 'chassis', 'power', 'status')).toBe('Chassis Power is off');
    expect(await rack.readDisk(machine, 1, 0, sectorBytes)).toEqual(Buffer.alloc(sectorBytes));
  });

  it('switches a machine on through its BMC, and the machine runs', async () => {
    await ipmi(rack, machine, 'chassis', 'power', 'on');
    expect(rack.powerState(machine)).toBe('on');
    expect(await ipmi(rack, machine, 'chassis', 'power', 'status')).toBe('Chassis Power is on');
    await rack.waitForSerial(machine, /iPXE/, 20_000);
  });

  it('restarts it on reset', async () => {
    const before = (await rack.serialLog(machine)).length;
    const pid = rack.qemuPid(machine);
    await ipmi(rack, machine, 'chassis', 'power', 'reset');
    await rack.waitForSerial(machine, /SeaBIOS/, 20_000, before);
    expect(rack.qemuPid(machine)).toBe(pid);
  });

  it('takes a boot device for one boot', async () => {
    await ipmi(rack, machine, 'chassis', 'bootdev', 'disk');
    expect(await ipmi(rack, machine, 'chassis', 'bootparam', 'get', '5')).toContain(
      'Force Boot from default Hard-Drive',
    );
    await ipmi(rack, machine, 'chassis', 'power', 'cycle');
    await expect
      .poll(() => ipmi(rack, machine, 'chassis', 'bootparam', 'get', '5'), { timeout: 10_000 })
      .toContain('No override');
  });

  it('keeps a machine running that loses its BMC, and gives it a new one', async () => {
    const pid = rack.qemuPid(machine);
    process.kill(Number(await readFile(path.join(rack.dir, 'pids/bmc-m1.pid'), 'utf8')), 'SIGKILL');
    await expect.poll(() => rack.bmcIsRunning(machine)).toBe(false);
    await Rack.create({ name, labDir });
    expect(await ipmi(rack, machine, 'chassis', 'power', 'status')).toBe('Chassis Power is on');
    expect(rack.qemuPid(machine)).toBe(pid);
  });

  it('cuts the power', async () => {
    await ipmi(rack, machine, 'chassis', 'power', 'off');
    expect(rack.powerState(machine)).toBe('off');
    expect(await ipmi(rack, machine, 'chassis', 'power', 'status')).toBe('Chassis Power is off');
  });

  it('publishes a port of the namespace on loopback', async () => {
    const hostPort = await freePort();
    const [prefix = '', ...rest] = rack.execCommandPrefix;
    const server = execa(
      prefix,
      [...rest, 'socat', 'TCP-LISTEN:7071,bind=10.77.0.1,fork', 'EXEC:echo hello'],
      {
        reject: false,
      },
    );
    await rack.publish(7071, hostPort);
    const answer = async () => {
      const socket = connect(hostPort, '127.0.0.1');
      const received: Buffer[] = [];
      socket.on('data', (data: Buffer) => received.push(data));
      await once(socket, 'close');
      return Buffer.concat(received).toString();
    };
    await expect.poll(answer, { timeout: 10_000 }).toBe('hello\n');
    server.kill();
    await server;
  });

  it('says so when the port of the host is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const taken = typeof address === 'object' && address ? address.port : 0;
    await expect(rack.publish(7071, taken)).rejects.toThrow(`port ${taken} of this host is taken`);
    server.close();
  });

  it('refuses other options for a rack that is up, and its name to another directory', async () => {
    await expect(Rack.create({ name, labDir, machines: 2 })).rejects.toThrow('made with other options');
    await expect(Rack.create({ name, labDir: `${labDir}-2` })).rejects.toThrow('is taken');
    expect(existsSync(`${labDir}-2`)).toBe(false);
  });

  it('leaves nothing when it goes down, machines that are on included', async () => {
    await ipmi(rack, machine, 'chassis', 'power', 'on');
    await (await Rack.open(name, labDir)).down();
    expect(await processesNaming(rack.dir)).toEqual([]);
    expect((await execa('ip', ['netns', 'list'])).stdout).not.toContain(name);
    expect((await execa('ip', ['-oneline', 'link'])).stdout).not.toContain('tap-m');
    expect(existsSync(labDir)).toBe(false);
    await expect(Rack.open(name, labDir)).rejects.toThrow('there is no rack');
  });
});

describe('the probe for KVM', () => {
  it('has a guest that emulation runs to its end', async () => {
    expect(await runsGuest('tcg')).toBe(true);
  });
});
