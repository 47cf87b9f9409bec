import {
  type Image,
  type InstallMethodName,
  type Machine,
  usualKernelArguments,
  type WritingMethod,
} from '#core';
import type { NetworkBoot } from '#netboot';
import type { Config, SecretBox } from '#platform';
import type { TemplateContext, TemplateRenderer } from '#templates';
import { ownerContext } from '../configuring/owner-context.js';
import { diskSecret, instanceToken } from '../instance-tokens.js';
import { checkFit, checkFitOn, neededGb, planFor, writtenKind } from './image-fit.js';
import { type FittingImage, type FittingType, type Installation, InstallMethod } from './install-method.js';
import { liveImageBoot } from './live-image.js';

/** dodai's rule: what the image is called tells what it is for. */
const serverImage = /dodai-deploy/;

export interface WritingHost {
  renderer: TemplateRenderer;
  config: Pick<Config, 'publicUrl' | 'liveImage' | 'metadata'>;
  box: SecretBox;
}

/**
 * `copy`, `image` and `iscsi`: our live image runs create.sh, which brings the image to the disk, or has the controller bring it
 * (`iscsi`), makes the OS its owner's and closes the disk. Whether that is a file system, a tarball or a whole disk is a matter of the image.
 */
export class Writing extends InstallMethod {
  override readonly files = {
    'create.sh': { during: ['queued', 'booting'], render: (of: Installation) => this.createScript(of) },
  } as const;

  constructor(
    readonly name: InstallMethodName & WritingMethod,
    protected readonly host: WritingHost,
  ) {
    super();
  }

  override check(image: FittingImage, type: FittingType): void {
    super.check(image, type);
    checkFit(image, type);
  }

  override checkOn(machine: Machine, image: FittingImage, type: FittingType): void {
    checkFitOn(machine, image, type);
  }

  override neededGb(image: FittingImage, type: FittingType): number {
    return neededGb(image, type);
  }

  override async installerBoot({ machine, instance, type }: Installation): Promise<NetworkBoot> {
    return liveImageBoot({ ...machine, instanceId: instance.id }, type, 'create.sh', this.host.config);
  }

  private createScript(installation: Installation): Promise<string> {
    return this.host.renderer.render('create.sh', this.createContext(installation));
  }

  private createContext({ machine, instance, type, image }: Installation): TemplateContext<'create.sh'> {
    const { config, box } = this.host;
    return {
      instanceId: instance.id,
      controllerUrl: config.publicUrl,
      token: instanceToken(box, instance.id),
      ...ownerContext(instance, machine, config),
      ...imageContext(image, config),
      imageType: imageTypeOf(image),
      kernelArguments: type.kernelArguments ?? (image.kind === 'disk' ? null : usualKernelArguments),
      iscsiSecret: this.name === 'iscsi' ? diskSecret(box, instance.id).reveal() : null,
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

export function imageTypeOf({ name }: Pick<Image, 'name'>): 'server' | 'node' {
  return serverImage.test(name) ? 'server' : 'node';
}

function imageContext(image: Image, { publicUrl }: Pick<Config, 'publicUrl'>) {
  const imageUrl = `${publicUrl}/boot/images/${image.id}`;
  return {
    imageId: image.id,
    imageKind: writtenKind(image),
    imageUrl,
    imageChunksUrl: `${imageUrl}/chunks`,
    imageChunksSha256: image.chunksSha256,
    imageCompressedBytes: image.compressedBytes,
    imageUncompressedBytes: image.uncompressedBytes,
    imageDataBytes: image.dataBytes,
    imageRootPartition: image.description?.rootPartition,
    imageSectorBytes: image.description?.partitionTable?.sectorBytes,
  };
}
