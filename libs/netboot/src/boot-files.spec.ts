import { describe, expect, it } from 'vitest';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootFiles, type NetworkBoot } from './boot-files.js';
import { isOptionalFile, macOfConfiguration } from './configuration-names.js';
import { biosLoader, debianLoaderDirectories, uefiLoader } from './loader-files.js';

const live: NetworkBoot = {
  kind: 'kernel',
  what: 'the live image',
  kernelPath: 'boot/live/vmlinuz',
  initrdPath: 'boot/live/initrd.img',
  arguments: [],
};

const treeFile = async (): Promise<string> => {
  throw new Error('there is none');
};

const handler = bootFiles({
  liveImageDirectory: '/nonexistent',
  treeFile,
  decide: async (mac) =>
    mac === '52:54:00:12:34:56' ? live : { kind: 'local', reason: `${mac} is unknown` },
  render: async (decision, loader) =>
    `${loader}: ${decision.kind === 'kernel' ? decision.what : decision.reason}`,
});

async function fileAt(path: string): Promise<string | null> {
  const content = await handler({ path, client: { address: '10.0.0.9', port: 2070 } });
  return content === null ? null : String(await content.read(0, content.sizeBytes));
}

describe('boot files', () => {
  it('are rendered for the machine that asks', async () => {
    expect(await fileAt('pxelinux.cfg/01-52-54-00-12-34-56')).toBe('pxelinux: the live image');
    expect(await fileAt('grub/grub.cfg-01-52-54-00-12-34-56')).toBe('grub: the live image');
  });

  it('lead the signed GRUB, which asks for one file on all machines, to that of its own machine', async () => {
    expect(await fileAt('grub/grub.cfg')).toContain('"$prefix/grub.cfg-01-$a-$b-$c-$d-$e-$f"');
  });

  it('let an unknown machine boot its disk', async () => {
    expect(await fileAt('pxelinux.cfg/01-52-54-00-00-00-01')).toBe('pxelinux: 52:54:00:00:00:01 is unknown');
    expect(await fileAt('grub/grub.cfg-01-52-54-00-00-00-01')).toBe('grub: 52:54:00:00:00:01 is unknown');
    expect(await fileAt('pxelinux.cfg/default')).toBe('pxelinux: unknown machine');
  });

  it.each([
    'pxelinux.cfg/b8945908-d6a6-41a9-611d-74a6ab80b83d',
    'pxelinux.cfg/C0A8025B',
    'pxelinux.cfg/01-52-54-00-12-34-5',
    'pxelinux.cfg/01-52-54-00-12-34-56/x',
    'pxelinux.cfg',
    'grub/grub.cfg-default',
    'grub/x86_64-efi/grub.cfg',
    'revocations.efi',
    'vmlinuz',
    'sub/lpxelinux.0',
    'missing.c32',
  ])('do not include %s', async (path) => expect(await fileAt(path)).toBeNull());

  it.each([biosLoader, 'ldlinux.c32', 'libcom32.c32', 'chain.c32'])(
    'include %s of the Debian packages',
    async (path) => expect((await fileAt(path))?.length).toBeGreaterThan(1000),
  );

  it('come from the first directory that has them', async () => {
    const nowhere = bootFiles({
      liveImageDirectory: '/nonexistent',
      treeFile,
      decide: async () => live,
      render: async () => '',
      loaderDirectories: ['/nonexistent', ...debianLoaderDirectories],
    });
    const content = await nowhere({ path: biosLoader, client: { address: '10.0.0.9', port: 1 } });
    expect(content?.sizeBytes).toBeGreaterThan(50_000);
    await content?.close?.();
  });

  it('come from the folder of the live image for UEFI, kernel and initrd too, once they are there, also in an image', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'dodai-loaders-'));
    try {
      const files = bootFiles({
        decide: async () => live,
        render: async () => '',
        liveImageDirectory: directory,
        treeFile: async (imageId, path) => join(directory, imageId, path),
      });
      const ask = async (path: string) => {
        const content = await files({ path, client: { address: '10.0.0.9', port: 1 } });
        await content?.close?.();
        return content?.sizeBytes;
      };
      const image = '0a0b0c0d-0000-4000-8000-000000000001';
      await mkdir(join(directory, image, 'casper'), { recursive: true });
      for (const [path, name] of [
        [uefiLoader, uefiLoader],
        ['boot/live/initrd.img', 'initrd.img'],
        [`boot/images/${image}/tree/casper/initrd`, `${image}/casper/initrd`],
      ] as const) {
        expect(await ask(path)).toBeUndefined();
        await writeFile(join(directory, name), 'text');
        expect(await ask(path)).toBe(4);
      }
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe('the name of a requested file', () => {
  it('tells whose configuration it is', () => {
    expect(macOfConfiguration('pxelinux.cfg/01-52-54-00-AB-cd-ef')).toBe('52:54:00:ab:cd:ef');
    expect(macOfConfiguration('grub/grub.cfg-01-52-54-00-ab-cd-ef')).toBe('52:54:00:ab:cd:ef');
    expect(macOfConfiguration('grub/grub.cfg')).toBeNull();
    expect(macOfConfiguration('lpxelinux.0')).toBeNull();
  });

  it.each(['grub/x86_64-efi/command.lst', 'grub/x86_64-efi/grub.cfg', 'revocations_sbat.efi'])(
    'tells that a loader does without: %s',
    (path) => expect(isOptionalFile(path)).toBe(true),
  );

  it.each(['grub/grub.cfg', 'grubx64.efi', 'grub/grub.cfg-01-52-54-00-ab-cd-ef', 'bootia32.efi'])(
    'does not tell so of %s',
    (path) => expect(isOptionalFile(path)).toBe(false),
  );
});
