import { DomainError, type Image, type Instance, type InstanceType, type Machine, netbootOf } from '#core';
import type { BootDecision, DhcpReservation, Loader } from '#netboot';
import type { Config, SecretBox } from '#platform';
import type { ImageStore, InstanceStore, InstanceTypeStore, MachineStore } from '#store';
import type { TemplateContext, TemplateRenderer } from '#templates';
import { ownerContext } from './configuring/owner-context.js';
import { installableKind, planFor } from './image-fit.js';
import { instanceToken } from './instance-tokens.js';

export const scriptNames = ['create.sh', 'delete.sh'] as const;
export type ScriptName = (typeof scriptNames)[number];

const scriptOf: Partial<Record<Machine['state'], ScriptName>> = {
  installing: 'create.sh',
  deleting: 'delete.sh',
};
const templateOf = { pxelinux: 'pxelinux.cfg', grub: 'grub.cfg' } as const;
/** dodai's rule: what the image is called tells what it is for. */
const serverImage = /dodai-deploy/;

interface Stores {
  machines: MachineStore;
  instances: InstanceStore;
  images: ImageStore;
  types: InstanceTypeStore;
}

/** What a machine is given when it boots from the network, decided from the life cycle at the moment it asks. */
export class Netbooting {
  constructor(
    private readonly stores: Stores,
    private readonly renderer: TemplateRenderer,
    private readonly config: Pick<Config, 'publicUrl' | 'liveImage' | 'metadata'>,
    private readonly box: SecretBox,
  ) {}

  /** @param mac lower case, with colons */
  async decide(mac: string): Promise<BootDecision> {
    const machine = await this.stores.machines.byMac(mac);
    if (!machine) return { kind: 'local', reason: 'no machine with this MAC is enrolled' };
    const script = scriptOf[machine.state];
    if (netbootOf(machine.state, machine.stage) === 'local' || !script || !machine.instanceId)
      return {
        kind: 'local',
        reason: `${machine.name} is ${machine.state}${machine.stage ? ` (${machine.stage})` : ''}`,
      };
    const boot = `${this.config.publicUrl}/boot`;
    return {
      kind: 'live',
      mac,
      kernelUrl: `${boot}/live/vmlinuz`,
      initrdUrl: `${boot}/live/initrd.img`,
      scriptUrl: `${boot}/instances/${machine.instanceId}/${script}`,
      extraArgs: this.config.liveImage.kernelArgs.split(' ').filter((word) => word !== ''),
    };
  }

  /** The text of `pxelinux.cfg/01-<mac>`, or of `grub/grub.cfg-01-<mac>`. */
  async configuration(loader: Loader, mac: string, decision: BootDecision): Promise<string> {
    if (decision.kind === 'local')
      return this.renderer.render(templateOf[loader], { boot: 'local', pxeMac: mac });
    const { kernelUrl, initrdUrl, scriptUrl, extraArgs = [] } = decision;
    const kernelArguments = ['console=tty0', 'console=ttyS0,115200n8', ...extraArgs];
    const live = { boot: 'live' as const, pxeMac: mac, scriptUrl, kernelArguments };
    return loader === 'grub'
      ? this.renderer.render('grub.cfg', live)
      : this.renderer.render('pxelinux.cfg', { ...live, kernelUrl, initrdUrl });
  }

  /** Throws DomainError `not-found` unless this script is just what the machine is to run. */
  async script(instanceId: string, name: ScriptName): Promise<string> {
    const instance = await this.stores.instances.get(instanceId);
    const machine = instance.machineId === null ? null : await this.stores.machines.byId(instance.machineId);
    const due = machine?.instanceId === instanceId && netbootOf(machine.state, machine.stage) === 'live';
    if (!machine || !due || scriptOf[machine.state] !== name) throw notDue(instanceId, name);
    const type = await this.stores.types.get(instance.instanceType);
    if (name === 'delete.sh')
      return this.renderer.render(name, { ...this.installer(instance), wipeMode: type.wipeMode });
    return this.renderer.render(
      name,
      this.createContext(machine, instance, type, await this.imageOf(instance)),
    );
  }

  /** Addresses for the controller's own DHCP server. */
  async reservations(): Promise<DhcpReservation[]> {
    const machines = await this.stores.machines.withPxeIp();
    return machines.map(({ pxeMac, pxeIp, name }) => ({ mac: pxeMac, ip: pxeIp, hostName: name }));
  }

  private imageOf(instance: Instance): Promise<Image> {
    return this.stores.images.find(instance.imageId ?? '');
  }

  private installer({ id }: Instance) {
    return {
      instanceId: id,
      controllerUrl: this.config.publicUrl,
      token: instanceToken(this.box, id),
    };
  }

  private createContext(
    machine: Machine,
    instance: Instance,
    type: InstanceType,
    image: Image,
  ): TemplateContext<'create.sh'> {
    const imageUrl = `${this.config.publicUrl}/boot/images/${image.id}`;
    return {
      ...this.installer(instance),
      ...ownerContext(instance, machine, this.config),
      imageId: image.id,
      imageType: serverImage.test(image.name) ? 'server' : 'node',
      imageKind: installableKind(image),
      imageUrl,
      imageChunksUrl: `${imageUrl}/chunks`,
      imageChunksSha256: image.chunksSha256,
      imageCompressedBytes: image.compressedBytes,
      imageUncompressedBytes: image.uncompressedBytes,
      imageDataBytes: image.dataBytes,
      imageRootPartition: image.description?.rootPartition,
      imageSectorBytes: image.description?.partitionTable?.sectorBytes,
      readBack: type.readBack,
      bootMode: machine.bootMode,
      pxeMac: machine.pxeMac,
      pxeIp: machine.pxeIp,
      storageMac: machine.storageMac,
      storageIp: machine.storageIp,
      serviceMac1: machine.serviceMac1,
      serviceMac2: machine.serviceMac2,
      pooled: instance.pooled,
      rootDeviceHint: machine.rootDeviceHint,
      diskPlan: planFor(image, type, machine),
    };
  }
}

function notDue(instanceId: string, name: ScriptName): DomainError {
  return new DomainError(
    'not-found',
    `${name} is not what the machine of instance ${instanceId} is to run now.`,
    {
      remedy: 'The script is served while the machine boots to be installed or wiped, and not after.',
    },
  );
}
