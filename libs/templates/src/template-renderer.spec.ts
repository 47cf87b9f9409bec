import { DomainError } from '#core';
import { execa } from 'execa';
import { Liquid } from 'liquidjs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { templateSchemas, TemplateRenderer } from './index.js';
import {
  answerContext,
  createContext,
  deleteContext,
  finishContext,
  grubKernelBootContext,
  handOverContext,
  installerContext,
  kernelBootContext,
  localBootContext,
  vendorDataContext,
  notifyContext,
} from './sample-contexts.js';

const templatesDir = fileURLToPath(new URL('../../../templates', import.meta.url));
const renderer = new TemplateRenderer(templatesDir);

async function errorOf(promise: Promise<unknown>): Promise<DomainError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof DomainError)) throw new Error(`expected a DomainError, got ${String(error)}`);
  return error;
}

const iscsiSecret = 'sixteen-letters-';

/** What a caller could send that the types do not allow. */
const untyped = (context: object) => context as never;

describe('rendered templates', () => {
  it.each([
    ['create.sh', createContext, 'create.sh'],
    ['hand-over.sh', handOverContext, 'hand-over.sh'],
    ['delete.sh', deleteContext, 'delete.sh'],
    ['live/vendor-data.sh', vendorDataContext, 'live-vendor-data.sh'],
    ['notify.sh', notifyContext, 'notify.sh'],
    ['netinstall/installer.sh', installerContext, 'netinstall-installer.sh'],
    ['netinstall/finish.sh', finishContext, 'netinstall-finish.sh'],
    ['netinstall/preseed.cfg', answerContext, 'netinstall-preseed.cfg'],
    ['netinstall/autoinstall.yaml', answerContext, 'netinstall-autoinstall.yaml'],
    ['netinstall/kickstart.cfg', answerContext, 'netinstall-kickstart.cfg'],
    ['netinstall/autoyast.xml', answerContext, 'netinstall-autoyast.xml'],
    ['pxelinux.cfg', kernelBootContext, 'pxelinux-kernel.cfg'],
    ['pxelinux.cfg', localBootContext, 'pxelinux-local.cfg'],
    ['grub.cfg', grubKernelBootContext, 'grub-kernel.cfg'],
    ['grub.cfg', localBootContext, 'grub-local.cfg'],
  ] as const)('%s is as its golden file has it', async (name, context, golden) => {
    await expect(await renderer.render(name, context)).toMatchFileSnapshot(`golden/${golden}`);
  });

  it.each([
    ['create.sh', createContext],
    ['create.sh', { ...createContext, imageKind: 'tarball' }],
    ['create.sh', { ...createContext, imageKind: 'disk' }],
    ['create.sh', { ...createContext, imageKind: 'disk', iscsiSecret }],
    ['hand-over.sh', handOverContext],
    ['delete.sh', deleteContext],
    ['live/vendor-data.sh', vendorDataContext],
    ['notify.sh', notifyContext],
    ['netinstall/installer.sh', installerContext],
    ['netinstall/finish.sh', finishContext],
    ['netinstall/finish.sh', { ...finishContext, network: createContext.network }],
  ] as const)('%s has nothing that shellcheck warns of', async (name, context) => {
    const script = await renderer.render(name, context);
    // busybox, too, has `local`, which POSIX has not.
    const shell = script.startsWith('#!/bin/sh') ? 'dash' : 'bash';
    await execa('shellcheck', ['--severity=warning', `--shell=${shell}`, '-'], { input: script });
  });

  it.each([
    ['file_system', /partition_disk.* stream_image.* grow_root.* mount_root.* install_boot_loader/],
    ['tarball', /partition_disk.* make_root.* mount_root.* stream_image.* install_boot_loader/],
    ['disk', /clear_disk.* stream_image.* grow_partitions.* grow_root.* set_boot_entry.* mount_root/],
  ] as const)('create.sh installs a %s in its own steps', async (imageKind, order) => {
    const script = await renderer.render('create.sh', { ...createContext, imageKind });
    const steps = [...script.slice(script.indexOf('\nrun_steps ')).matchAll(/([a-z_]+):\d+/g)].map(([, step]) => step);
    expect(steps.join(' ')).toMatch(order);
    for (const step of steps) expect(script).toMatch(new RegExp(`^${step}\\(\\) \\{$`, 'm'));
  });

  it('create.sh exports the disk of a machine that is written over iSCSI, and takes it back before it is read', async () => {
    const script = await renderer.render('create.sh', { ...createContext, imageKind: 'disk', iscsiSecret });
    expect(script).toMatch(/zero_disk:\d+ export_disk:\d+ await_image:\d+ take_disk_back:\d+ \\\n {2}read_back:/);
    expect(script).not.toContain('stream_image:');
    const others = await renderer.render('create.sh', { ...createContext, imageKind: 'disk' });
    expect(others).not.toMatch(/iscsi/i);
  });

  it.each(['create.sh', 'hand-over.sh', 'live/vendor-data.sh', 'netinstall/installer.sh', 'netinstall/finish.sh'] as const)(
    '%s uses every parameter that is declared, and none that is not',
    async (name) => {
      const engine = new Liquid({ root: templatesDir });
      const declared = Object.keys(templateSchemas[name].shape).sort();
      const used = await engine.globalVariables(await engine.parseFile(name));
      expect(used.sort()).toEqual(declared);
    },
  );
});

describe('a parameter', () => {
  it('that is missing is named with its template', async () => {
    const { hostName: _, ...rest } = createContext;
    const error = await errorOf(renderer.render('create.sh', untyped(rest)));
    expect(error.code).toBe('template-parameter');
    expect(error.message).toBe('template create.sh: parameter hostName is missing');
    expect(error.context).toEqual({ template: 'create.sh', parameters: ['hostName'] });
  });

  it('that is unknown is named with its template', async () => {
    const error = await errorOf(renderer.render('delete.sh', untyped({ ...deleteContext, wipe: 'quick' })));
    expect(error.message).toBe('template delete.sh: parameter wipe is unknown');
  });

  it('inside the root device hint that is unknown is named with its path', async () => {
    const error = await errorOf(
      renderer.render('create.sh', untyped({ ...createContext, rootDeviceHint: { name: '/dev/sda' } })),
    );
    expect(error.message).toBe('template create.sh: parameter rootDeviceHint.name is unknown');
  });

  it('that is missing for the boot decision is named', async () => {
    const { kernelUrl: _, ...rest } = kernelBootContext as Record<string, unknown>;
    const error = await errorOf(renderer.render('pxelinux.cfg', untyped(rest)));
    expect(error.message).toBe('template pxelinux.cfg: parameter kernelUrl is missing');
  });

  it('that says the image does not fit its partition is refused before anything runs', async () => {
    const tooLarge = { ...createContext, imageUncompressedBytes: 2501 * 1024 ** 2 };
    const error = await errorOf(renderer.render('create.sh', tooLarge));
    expect(error.message).toContain('diskPlan has 2500 MiB for root, too little for an image of 2622488576 bytes');
  });

  it('is never repeated in the message: it may be a secret', async () => {
    const error = await errorOf(renderer.render('delete.sh', { ...deleteContext, token: 'secret\nvalue' }));
    expect(error.message).toContain('parameter token');
    expect(error.message).not.toContain('secret');
  });
});

describe('a template', () => {
  it('that uses a variable nobody declared is an error that names both', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'templates-'));
    try {
      await writeFile(join(directory, 'delete.sh'), 'echo {{ hostNam }}\n');
      const error = await errorOf(new TemplateRenderer(directory).render('delete.sh', deleteContext));
      expect(error.code).toBe('template-parameter');
      expect(error.message).toMatch(/template delete\.sh: undefined variable: hostNam/);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('that is not there is an error that names it', async () => {
    const error = await errorOf(new TemplateRenderer('/nonexistent').render('delete.sh', deleteContext));
    expect(error.code).toBe('template-invalid');
    expect(error.message).toContain('template delete.sh');
  });
});
