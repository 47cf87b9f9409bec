import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../apps/quickstart/src/free-port.js';
import { Rack } from '../../apps/lab/src/index.js';

const offered = 3142;

describe('a rack', () => {
  let rack: Rack;
  let server: Server;
  let port: number;

  beforeAll(async () => {
    server = createServer((_, response) => response.end('hello'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
    rack = await Rack.create({ name: 'lab-ports', machines: 1 });
  });
  afterAll(async () => {
    await rack?.down();
    server?.close();
  });

  const inRack = async (url: string) =>
    (await rack.exec('curl', ['--silent', '--show-error', '--max-time', '10', url])).stdout;

  it('has a port of the host at the controller’s address where that is offered, however often', async () => {
    await rack.offer(port, offered);
    await rack.offer(port, offered);
    expect(await inRack(`http://${rack.controllerAddress}:${offered}/`)).toBe('hello');
  });

  it('has a port on the host that is published', async () => {
    const hostPort = (await freePort()) ?? 0;
    await rack.publish(offered, hostPort);
    expect(await (await fetch(`http://127.0.0.1:${hostPort}/`)).text()).toBe('hello');
  });

  it('takes no port that something else listens on', async () => {
    await expect(rack.publish(offered, port)).rejects.toMatchObject({
      message: `port ${port} of this host is taken`,
    });
    const [machine] = rack.machines;
    await expect(rack.offer(port, machine!.solPort)).rejects.toMatchObject({
      message: `port ${machine!.solPort} of ${rack.controllerAddress} is taken in the rack`,
    });
  });
});
