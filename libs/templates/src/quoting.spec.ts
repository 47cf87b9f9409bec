import { execa } from 'execa';
import { sample, string } from 'fast-check';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { TemplateRenderer, type TemplateContext } from './index.js';
import { quoteForShell, wordForPxelinux } from './quoting.js';
import { createContext, kernelBootContext } from './sample-contexts.js';

const renderer = new TemplateRenderer(fileURLToPath(new URL('../../../templates', import.meta.url)));

const hostile = [
  '$(reboot)',
  '`reboot`',
  "'; reboot; '",
  '"; reboot; "',
  'a b',
  '~root',
  '!history',
  '$HOME',
  '\\',
  '*',
  'a\nreboot',
  'a\rreboot',
  '{{ token }}',
  '{a,b}',
  '# not a comment',
  '-rf',
  "it's !important",
];

/** The value of each variable as bash sees it after the head of create.sh, where all parameters are. */
async function variablesOf(script: string): Promise<Record<string, string>> {
  const head = script.slice(0, script.indexOf('# Talk with the controller'));
  const names = [...head.matchAll(/^([A-Z][A-Z0-9_]*)=/gm)].map((match) => match[1]!);
  const print = names.map((name) => `printf '%s\\0' "\${${name}[*]}"`).join('\n');
  const { stdout } = await execa('bash', ['-c', `${head}\n${print}`], { stripFinalNewline: false });
  const values = stdout.split('\0');
  return Object.fromEntries(names.map((name, index) => [name, values[index]!]));
}

describe('a quoted word', () => {
  it('is read back by bash as it was, whatever is in it', async () => {
    const text = string({ unit: 'grapheme', maxLength: 20 }).filter((value) => !/\0/.test(value));
    const words = [...sample(text, { numRuns: 2000, seed: 7 }), ...hostile];
    const script = words.map((word) => `WORD=${quoteForShell(word)}; printf '%s\\0' "$WORD"`).join('\n');
    const { stdout } = await execa('bash', [], { input: script, stripFinalNewline: false });
    expect(stdout.split('\0').slice(0, -1)).toEqual(words);
  });
});

describe('create.sh', () => {
  const strings = ['instanceId', 'controllerUrl', 'token', 'imageId', 'imageType', 'imageUrl', 'imageChunksSha256'];
  const more = ['hostName', 'pxeMac', 'pxeIp', 'storageMac', 'storageIp', 'serviceMac1', 'serviceMac2'];

  it.each([...strings, ...more])('refuses a hostile %s, or passes it on inert', async (parameter) => {
    for (const value of hostile) {
      const context = { ...createContext, [parameter]: value } as TemplateContext<'create.sh'>;
      const script = await renderer.render('create.sh', context).catch(() => undefined);
      if (script === undefined) continue;
      const variable = parameter.replace(/[A-Z]/g, '_$&').toUpperCase();
      expect((await variablesOf(script))[variable]).toBe(value);
    }
  });

  it.each(['hostName', 'pxeMac', 'imageUrl', 'instanceId', 'imageChunksSha256'])(
    'refuses every hostile %s: it has a form of its own',
    async (parameter) => {
      for (const value of hostile) {
        const context = { ...createContext, [parameter]: value } as TemplateContext<'create.sh'>;
        await expect(renderer.render('create.sh', context)).rejects.toThrow(`parameter ${parameter}`);
      }
    },
  );

  it('refuses an SSH key of two lines, and passes hostile comments on inert', async () => {
    const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5';
    const keys = hostile.filter((text) => !/[\n\r]/.test(text)).map((text) => `${key} ${text}`);
    const script = await renderer.render('create.sh', { ...createContext, sshKeys: keys });
    expect((await variablesOf(script))['SSH_KEYS']).toBe(keys.join(' '));
    await expect(
      renderer.render('create.sh', { ...createContext, sshKeys: [`${key} a\nssh-rsa AAAA b`] }),
    ).rejects.toThrow('parameter sshKeys.0');
  });

  it('passes user data on as it is, line by line, and refuses what is no script', async () => {
    for (const text of hostile) {
      const userData = `#!/bin/sh\n${text}\n\n`;
      const script = await renderer.render('create.sh', { ...createContext, userData });
      expect((await variablesOf(script))['USER_DATA']).toBe(userData);
      const refused = renderer.render('create.sh', { ...createContext, userData: text });
      await expect(refused).rejects.toThrow('parameter userData');
    }
  });

  it('passes a root device hint on as the JSON it is', async () => {
    const rootDeviceHint = { serial: `S'"$(reboot)` };
    const script = await renderer.render('create.sh', { ...createContext, rootDeviceHint });
    expect(JSON.parse((await variablesOf(script))['ROOT_DEVICE_HINT']!)).toEqual(rootDeviceHint);
  });
});

describe('pxelinux.cfg', () => {
  it.each(['a b', 'a\nLABEL x', '', 'ä'])('refuses the kernel argument %j', async (argument) => {
    await expect(
      renderer.render('pxelinux.cfg', { ...kernelBootContext, arguments: [argument] } as typeof kernelBootContext),
    ).rejects.toThrow('parameter arguments.0');
  });

  it('never gets more than one word out of a value', () => {
    expect(() => wordForPxelinux('a b')).toThrow('not one word');
  });

  it('refuses a kernel command line that pxelinux would cut off', async () => {
    await expect(
      renderer.render('pxelinux.cfg', {
        ...kernelBootContext,
        arguments: ['a'.repeat(1000), 'b'.repeat(900)],
      } as typeof kernelBootContext),
    ).rejects.toThrow('longer than 1900');
  });
});
