import { describe, expect, it } from 'vitest';
import { type BootDecision, bootFiles, biosLoader, debianLoaderDirectories } from './boot-files.js';

const live: BootDecision = {
  kind: 'live',
  mac: '52:54:00:12:34:56',
  kernelUrl: 'http://10.0.0.1/vmlinuz',
  initrdUrl: 'http://10.0.0.1/initrd.img',
  scriptUrl: 'http://10.0.0.1/create.sh',
};

const handler = bootFiles({
  decide: async (mac) => (mac === live.mac ? live : { kind: 'local', reason: `${mac} is unknown` }),
  render: async (decision) => (decision.kind === 'live' ? decision.scriptUrl : decision.reason),
});

async function fileAt(path: string): Promise<string | null> {
  const content = await handler({ path, client: { address: '10.0.0.9', port: 2070 } });
  return content === null ? null : String(await content.read(0, content.sizeBytes));
}

describe('boot files', () => {
  it('are rendered for the machine that asks', async () => {
    expect(await fileAt('pxelinux.cfg/01-52-54-00-12-34-56')).toBe('http://10.0.0.1/create.sh');
  });

  it('let an unknown machine boot its disk', async () => {
    expect(await fileAt('pxelinux.cfg/01-52-54-00-00-00-01')).toBe('52:54:00:00:00:01 is unknown');
    expect(await fileAt('pxelinux.cfg/default')).toBe('unknown machine');
  });

  it.each([
    'pxelinux.cfg/b8945908-d6a6-41a9-611d-74a6ab80b83d',
    'pxelinux.cfg/C0A8025B',
    'pxelinux.cfg/01-52-54-00-12-34-5',
    'pxelinux.cfg/01-52-54-00-12-34-56/x',
    'pxelinux.cfg',
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
      decide: async () => live,
      render: async () => '',
      loaderDirectories: ['/nonexistent', ...debianLoaderDirectories],
    });
    const content = await nowhere({ path: biosLoader, client: { address: '10.0.0.9', port: 1 } });
    expect(content?.sizeBytes).toBeGreaterThan(50_000);
    await content?.close?.();
  });
});
