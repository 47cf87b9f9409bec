import { DomainError, type Instance, type Machine, type Netboot, netbootOf, type Stage } from '#core';
import type { DhcpReservation, Loader, NetworkBoot } from '#netboot';
import type { Config, SecretBox } from '#platform';
import type { ImageStore, InstanceStore, InstanceTypeStore, MachineStore } from '#store';
import type { TemplateRenderer } from '#templates';
import { instanceToken } from './instance-tokens.js';
import type { InstallerFile } from './methods/install-method.js';
import type { InstallMethods } from './methods/install-methods.js';
import { installationOf } from './methods/installation.js';
import { liveImageBoot } from './methods/live-image.js';

const templateOf = { pxelinux: 'pxelinux.cfg', grub: 'grub.cfg' } as const;

interface Stores {
  machines: MachineStore;
  instances: InstanceStore;
  images: ImageStore;
  types: InstanceTypeStore;
}

interface Host {
  renderer: TemplateRenderer;
  config: Pick<Config, 'publicUrl' | 'liveImage'>;
  box: SecretBox;
}

/** What a machine is given when it boots from the network, decided from the life cycle at the moment it asks. */
export class Netbooting {
  constructor(
    private readonly stores: Stores,
    private readonly methods: InstallMethods,
    private readonly host: Host,
  ) {}

  /** @param mac lower case, with colons */
  async decide(mac: string): Promise<NetworkBoot> {
    const machine = await this.stores.machines.byMac(mac);
    if (!machine) return { kind: 'local', reason: 'no machine with this MAC is enrolled' };
    const instance = machine.instanceId ? await this.stores.instances.get(machine.instanceId) : null;
    const given = netbootOf(machine.state, machine.stage);
    return (instance && (await this.given(given, machine, instance))) ?? nothing(machine);
  }

  /** The text of `pxelinux.cfg/01-<mac>`, or of `grub/grub.cfg-01-<mac>`. */
  async configuration(loader: Loader, mac: string, boot: NetworkBoot): Promise<string> {
    if (boot.kind === 'local')
      return this.host.renderer.render(templateOf[loader], { boot: 'local', pxeMac: mac });
    const { what, kernelPath, initrdPath, arguments: words } = boot;
    const same = { boot: 'kernel' as const, pxeMac: mac, arguments: words };
    if (loader === 'grub')
      return this.host.renderer.render('grub.cfg', { ...same, what, kernelPath, initrdPath });
    const { publicUrl } = this.host.config;
    return this.host.renderer.render('pxelinux.cfg', {
      ...same,
      kernelUrl: `${publicUrl}/${kernelPath}`,
      initrdUrl: `${publicUrl}/${initrdPath}`,
    });
  }

  /** Throws DomainError `not-found` unless this file is just what the machine is to have. */
  async file(instanceId: string, name: InstallerFile): Promise<string> {
    const instance = await this.stores.instances.get(instanceId);
    const machine = instance.machineId === null ? null : await this.stores.machines.byId(instance.machineId);
    const isItsOwn = machine?.instanceId === instanceId;
    const text = isItsOwn ? await this.due(machine, instance, name) : undefined;
    if (text === undefined) throw notDue(instanceId, name);
    return text; // which may be empty
  }

  /** Addresses for the controller's own DHCP server. */
  async reservations(): Promise<DhcpReservation[]> {
    const machines = await this.stores.machines.withPxeIp();
    return machines.map(({ pxeMac, pxeIp, name }) => ({ mac: pxeMac, ip: pxeIp, hostName: name }));
  }

  private async given(given: Netboot, machine: Machine, instance: Instance): Promise<NetworkBoot | null> {
    if (given === 'local') return null;
    if (given === 'wipe') {
      const type = await this.stores.types.get(instance.instanceType);
      return liveImageBoot({ ...machine, instanceId: instance.id }, type, 'delete.sh', this.host.config);
    }
    if (!instance.installMethod) return null; // it was adopted
    const method = this.methods.get(instance.installMethod);
    const installation = await installationOf(this.stores, machine, instance);
    return given === 'installer' ? method.installerBoot(installation) : method.osBoot(installation);
  }

  private async due(machine: Machine, instance: Instance, name: InstallerFile): Promise<string | undefined> {
    if (name === 'delete.sh')
      return netbootOf(machine.state, machine.stage) === 'wipe' ? this.deleteScript(instance) : undefined;
    const file = instance.installMethod && this.methods.get(instance.installMethod).files[name];
    if (!file || machine.state !== 'installing') return undefined;
    const stages: readonly Stage[] = file.during;
    if (!machine.stage || !stages.includes(machine.stage)) return undefined;
    return file.render(await installationOf(this.stores, machine, instance));
  }

  private async deleteScript({ id, instanceType }: Instance): Promise<string> {
    const { wipeMode } = await this.stores.types.get(instanceType);
    const { renderer, config, box } = this.host;
    const token = instanceToken(box, id);
    return renderer.render('delete.sh', {
      instanceId: id,
      controllerUrl: config.publicUrl,
      token,
      wipeMode,
    });
  }
}

function nothing({ name, state, stage }: Machine): NetworkBoot {
  return { kind: 'local', reason: `${name} is ${state}${stage ? ` (${stage})` : ''}` };
}

function notDue(instanceId: string, name: InstallerFile): DomainError {
  return new DomainError(
    'not-found',
    `${name} is not what the machine of instance ${instanceId} is to have now.`,
    {
      remedy: 'It is served while the machine boots to be installed or wiped, and not after.',
    },
  );
}
