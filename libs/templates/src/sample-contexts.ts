import { diskPlan } from '#core';
import type { TemplateContext } from './contexts.js';
import { guestNetwork } from './guest-network.js';

/** Complete contexts for the tests of this library. */
export const createContext: TemplateContext<'create.sh'> = {
  instanceId: '6f9619ff-8b86-4d01-b42d-00cf4fc964ff',
  controllerUrl: 'http://10.77.0.1:7071',
  token: 'tok_Zm9vYmFy',
  imageId: '0b0e9d6c-3f53-4c7b-9f5e-6b8a2f1f7a11',
  imageKind: 'file_system',
  kernelArguments: 'console=tty0 console=ttyS0,115200n8',
  imageType: 'node',
  imageUrl: 'http://10.77.0.1:7071/boot/images/0b0e9d6c-3f53-4c7b-9f5e-6b8a2f1f7a11',
  imageChunksUrl: 'http://10.77.0.1:7071/boot/images/0b0e9d6c-3f53-4c7b-9f5e-6b8a2f1f7a11/chunks',
  imageChunksSha256: 'ab'.repeat(32),
  imageCompressedBytes: 120_000_000,
  imageUncompressedBytes: 500_000_000,
  imageDataBytes: 300_000_000,
  bootMode: 'bios',
  hostName: 'db1.example.org',
  pxeMac: '52:54:00:12:34:56',
  pxeIp: '10.77.0.21',
  network: guestNetwork({ network: null, nics: [{ role: 'pxe', mac: '52:54:00:12:34:56' }] }),
  storageMac: null,
  storageIp: null,
  sshKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0 operator@example.org'],
  userData: "#!/bin/sh\necho \"it's $(hostname)\" >/root/hello\n",
  rootDeviceHint: { serial: 'DISK 1', rotational: false },
  diskPlan: diskPlan(
    { rootSizeMib: 2500, swapSizeMib: 256, kdumpSizeMib: 128, ephemeralSizeMib: 0, diskLayout: null },
    { bootMode: 'bios', fileSystem: 'ext4', imageMib: 477 },
  ),
};

export const handOverContext: TemplateContext<'hand-over.sh'> = {
  instanceId: createContext.instanceId,
  controllerUrl: createContext.controllerUrl,
  token: createContext.token,
  hostName: createContext.hostName,
  sshKeys: createContext.sshKeys,
  userData: createContext.userData,
};

export const deleteContext: TemplateContext<'delete.sh'> = {
  instanceId: createContext.instanceId,
  controllerUrl: createContext.controllerUrl,
  token: createContext.token,
  wipeMode: 'overwrite',
};

export const vendorDataContext: TemplateContext<'live/vendor-data.sh'> = {
  instanceId: createContext.instanceId,
  controllerUrl: createContext.controllerUrl,
  token: createContext.token,
  files: [{ path: '/etc/motd', mode: '0644', owner: 'root:root', base64: 'aGVsbG8K' }],
};

export const notifyContext: TemplateContext<'notify.sh'> = {
  instanceId: createContext.instanceId,
  controllerUrl: createContext.controllerUrl,
  token: createContext.token,
};

const liveImageArguments = [
  `dodai_script=http://10.77.0.1:7071/boot/instances/${createContext.instanceId}/create.sh`,
  `dodai_pxe_mac=${createContext.pxeMac}`,
  'console=tty0',
  'console=ttyS0,115200n8',
];

export const kernelBootContext: TemplateContext<'pxelinux.cfg'> = {
  boot: 'kernel',
  pxeMac: createContext.pxeMac,
  kernelUrl: 'http://10.77.0.1:7071/boot/live/vmlinuz',
  initrdUrl: 'http://10.77.0.1:7071/boot/live/initrd.img',
  arguments: liveImageArguments,
};

export const grubKernelBootContext: TemplateContext<'grub.cfg'> = {
  boot: 'kernel',
  pxeMac: createContext.pxeMac,
  what: 'the live image',
  kernelPath: 'boot/live/vmlinuz',
  initrdPath: 'boot/live/initrd.img',
  arguments: liveImageArguments,
};

export const localBootContext: TemplateContext<'pxelinux.cfg'> = { boot: 'local', pxeMac: createContext.pxeMac };

const { instanceId, controllerUrl, token, hostName, pxeMac, imageId } = createContext;
const device = '/dev/dodai-disk';

export const installerContext: TemplateContext<'netinstall/installer.sh'> = {
  instanceId,
  controllerUrl,
  token,
  finishUrl: `http://10.77.0.1:7071/boot/instances/${instanceId}/finish.sh`,
  device,
  hint: { serial: 'DISK 1', minSizeGb: 100 },
  neededBytes: 4_000_000_000,
};

export const finishContext: TemplateContext<'netinstall/finish.sh'> = {
  ...handOverContext,
  imageId,
  imageType: 'node',
  pxeMac,
  pxeIp: createContext.pxeIp,
};

export const answerContext: TemplateContext<'netinstall/preseed.cfg'> = {
  instanceId,
  hostName,
  pxeMac,
  kernelArguments: 'console=tty0 console=ttyS0,115200n8',
  treeUrl: `http://10.77.0.1:7071/boot/images/${imageId}/tree`,
  dodai: {
    begin: `until curl -fsS -m 20 -o /run/dodai.sh http://10.77.0.1:7071/boot/instances/${instanceId}/installer.sh; do sleep 5; done; sh /run/dodai.sh begin`,
    disk: 'sh /run/dodai.sh disk',
    progress: 'sh /run/dodai.sh progress',
    finish: 'sh /run/dodai.sh finish',
    failed: 'sh /run/dodai.sh failed',
    device,
    include: '/run/dodai/disk.ks',
  },
};
