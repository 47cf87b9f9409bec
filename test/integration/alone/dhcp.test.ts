import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type DhcpEvent, DhcpServer, type DhcpSettings } from '#netboot';
import { type ProcessEnd, SystemClock } from '#platform';
import { DhcpSegment } from '../../support/dhcp-segment.js';

const known = { mac: '52:54:00:00:00:01', ip: '10.99.0.11', hostName: 'machine-1' };
const second = { mac: '52:54:00:00:00:02', ip: '10.99.0.12' };
const stranger = '52:54:00:00:00:99';

let segment: DhcpSegment;
let server: DhcpServer | null = null;
let events: DhcpEvent[];
let ends: ProcessEnd[];
let count = 0;

beforeAll(async () => {
  segment = await DhcpSegment.create();
});
afterEach(async () => {
  await server?.stop();
  server = null;
});
afterAll(() => segment.remove());

function newServer(settings: Partial<DhcpSettings> = {}): DhcpServer {
  events = [];
  ends = [];
  count += 1;
  server = new DhcpServer({
    settings: {
      mode: 'full',
      interface: segment.serverInterface,
      serverAddress: segment.serverAddress,
      network: segment.network,
      netmask: segment.netmask,
      ...settings,
    },
    directory: join(segment.directory, `server ${count}`),
    clock: new SystemClock(),
    onEvent: (event) => events.push(event),
    onEnd: (end) => ends.push(end),
  });
  return server;
}

describe('DHCP in full mode', () => {
  it('gives a machine its reserved address, the next server and the loader', async () => {
    const dhcp = newServer({ router: '10.99.0.254', rootPath: '/srv/root' });
    await dhcp.setReservations([known]);
    await dhcp.start();
    expect(await segment.askForBoot(known.mac)).toMatchObject({
      ip: known.ip,
      hostname: known.hostName,
      siaddr: segment.serverAddress,
      boot_file: 'lpxelinux.0',
      router: '10.99.0.254',
      rootpath: '/srv/root',
    });
    await expect.poll(() => events.map(({ kind }) => kind)).toEqual(['discover', 'offer', 'request', 'ack']);
    expect(events.at(-1)).toEqual({
      kind: 'ack',
      mac: known.mac,
      ip: known.ip,
      vendorClass: 'PXEClient:Arch:00000:UNDI:002001',
      architecture: 0,
      note: known.hostName,
    });
  });

  it.each([7, 9])('gives a UEFI machine that asks as %i the loader for UEFI', async (architecture) => {
    const dhcp = newServer();
    await dhcp.setReservations([known]);
    await dhcp.start();
    expect(await segment.askForBoot(known.mac, architecture)).toMatchObject({
      siaddr: segment.serverAddress,
      boot_file: 'bootx64.efi',
    });
  });

  it('gives firmware that there is no loader for an address, and nothing to boot', async () => {
    const dhcp = newServer();
    await dhcp.setReservations([known]);
    await dhcp.start();
    const lease = await segment.askForBoot(known.mac, 6);
    expect(lease?.ip).toBe(known.ip);
    expect(lease?.boot_file).toBeUndefined();
    await expect.poll(() => events.at(-1)).toMatchObject({ kind: 'ack', architecture: 6 });
  });

  it('listens for DHCP on its own interface, and for nothing else', async () => {
    await newServer().start();
    expect(await segment.listeningAtServer()).toEqual([`0.0.0.0%${segment.serverInterface}:67`]);
  });

  it('tells an installed OS no loader', async () => {
    const dhcp = newServer();
    await dhcp.setReservations([known]);
    await dhcp.start();
    const lease = await segment.askForLease(known.mac);
    expect(lease?.ip).toBe(known.ip);
    expect(lease?.boot_file).toBeUndefined();
    expect(lease?.router).toBeUndefined();
  });

  it('gives a route to the metadata service, and the router’s with it, when that is wanted', async () => {
    const dhcp = newServer({ metadataRoute: true, router: '10.99.0.254' });
    await dhcp.setReservations([known]);
    await dhcp.start();
    expect(await segment.askForLease(known.mac, '-O', 'staticroutes')).toMatchObject({
      staticroutes: '169.254.169.254/32 10.99.0.1 0.0.0.0/0 10.99.0.254',
    });
  });

  it('knows whose lease of an address it is', async () => {
    const dhcp = newServer();
    await dhcp.setReservations([known]);
    await dhcp.start();
    expect(await dhcp.macAt(known.ip)).toBeNull();
    await segment.askForLease(known.mac);
    expect(await dhcp.macAt(known.ip)).toBe(known.mac);
  });

  it('learns of a machine without a restart', async () => {
    const dhcp = newServer();
    await dhcp.start();
    await dhcp.setReservations([known, second]);
    expect((await segment.askForBoot(second.mac))?.ip).toBe(second.ip);
    await dhcp.setReservations([known]);
    expect(await segment.askForBoot(second.mac)).toBeNull();
    expect(ends).toEqual([]);
  });

  it('does not answer a machine without a reservation, and says that it asked', async () => {
    await newServer().start();
    expect(await segment.askForBoot(stranger)).toBeNull();
    expect(events[0]).toMatchObject({ kind: 'discover', mac: stranger, note: 'no address available' });
  });

  it('gives such a machine an address of the pool when there is one', async () => {
    await newServer({ pool: { first: '10.99.0.100', last: '10.99.0.110' } }).start();
    // dnsmasq first looks for three seconds whether anybody answers at that address.
    expect((await segment.askForLease(stranger, '-t', '8'))?.ip).toMatch(/^10\.99\.0\.1[01]\d$/);
  });

  it('gives an address to the machine it is now reserved for, though another still has it', async () => {
    const dhcp = newServer();
    await dhcp.setReservations([known]);
    await dhcp.start();
    expect((await segment.askForBoot(known.mac))?.ip).toBe(known.ip);
    await dhcp.setReservations([{ mac: second.mac, ip: known.ip }]);
    expect((await segment.askForBoot(second.mac))?.ip).toBe(known.ip);
    expect(ends).toEqual([]);
  });

  it('refuses wrong reservations, and keeps those it has', async () => {
    const dhcp = newServer();
    await dhcp.setReservations([known]);
    await dhcp.start();
    await expect(dhcp.setReservations([{ ...second, ip: '10.99.0' }])).rejects.toMatchObject({
      code: 'dhcp-configuration',
    });
    expect((await segment.askForBoot(known.mac))?.ip).toBe(known.ip);
  });

  it('says what dnsmasq complains about when it cannot start', async () => {
    await expect(newServer({ interface: 'missing0' }).start()).rejects.toMatchObject({
      code: 'program-not-started',
      message: expect.stringContaining('unknown interface missing0'),
    });
  });
});

describe('DHCP in proxy mode', () => {
  it('adds the loader to the addresses of another server', async () => {
    await newServer({ mode: 'proxy' }).start();
    const { offer, boot } = await segment.askProxy(known.mac);
    expect(offer).toMatchObject({ yourAddress: '0.0.0.0', options: { 53: '02' } });
    expect(boot).toMatchObject({ nextServer: segment.serverAddress, file: 'lpxelinux.0' });
    await expect
      .poll(() => events)
      .toEqual([
        expect.objectContaining({ kind: 'proxy', mac: known.mac, architecture: 0, note: 'proxy' }),
        expect.objectContaining({ kind: 'proxy', mac: known.mac, architecture: 0, note: 'lpxelinux.0' }),
      ]);
  });

  it('adds the loader for UEFI where UEFI asks', async () => {
    await newServer({ mode: 'proxy' }).start();
    const { boot } = await segment.askProxy(known.mac, 7);
    expect(boot).toMatchObject({ nextServer: segment.serverAddress, file: 'bootx64.efi' });
    await expect.poll(() => events[0]).toMatchObject({ kind: 'proxy', architecture: 7, note: 'proxy' });
  });

  it('does not answer a client that is no boot firmware', async () => {
    await newServer({ mode: 'proxy' }).start();
    expect(await segment.askForLease(known.mac)).toBeNull();
    expect(events).toEqual([]);
  });
});
