import type { ImageContents } from '../reading/image-contents.js';

/** Programs that every system has some of. */
const programs = ['/usr/bin/sh', '/usr/bin/bash', '/usr/bin/env', '/bin/sh', '/bin/bash', '/bin/busybox'];

/** ELF-64 Object File Format and its supplements: e_machine, as uname(1) says it. */
const machines: Readonly<Record<number, string>> = {
  3: 'i686',
  8: 'mips',
  20: 'ppc',
  21: 'ppc64',
  22: 's390x',
  40: 'arm',
  62: 'x86_64',
  183: 'aarch64',
  243: 'riscv64',
  258: 'loongarch64',
};

/** What the programs of an image are made for; null: none that is there says it. */
export async function architectureOf(contents: ImageContents): Promise<string | null> {
  for (const path of programs) {
    const header = (await contents.has(path)) ? await contents.head(path, 64) : undefined;
    const found = header && machineOf(header);
    if (found) return found;
  }
  return null;
}

function machineOf(header: Buffer): string | null {
  if (header.length < 20 || header.toString('latin1', 0, 4) !== '\x7fELF') return null;
  const isLittle = header.readUInt8(5) === 1;
  const number = isLittle ? header.readUInt16LE(18) : header.readUInt16BE(18);
  const name = machines[number] ?? `ELF machine ${number}`;
  return name === 'ppc64' && isLittle ? 'ppc64le' : name;
}

const kernelHeadBytes = 1024;

/**
 * What a kernel is made for; null: it does not say. Linux, Documentation/arch/x86/boot.rst (header, xloadflags) and
 * Documentation/arch/arm64/booting.rst (magic).
 */
export async function kernelArchitectureOf(files: ImageContents, path: string): Promise<string | null> {
  const head = (await files.head(path, kernelHeadBytes)) ?? Buffer.alloc(0);
  if (head.length < kernelHeadBytes) return null;
  if (head.toString('latin1', 0x202, 0x206) === 'HdrS')
    return head.readUInt16LE(0x236) & 1 ? 'x86_64' : 'i686';
  return head.toString('latin1', 0x38, 0x3c) === 'ARM\x64' ? 'aarch64' : null;
}
