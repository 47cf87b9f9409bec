import type { Machine } from '#core';
import { bootModeOfArchitecture, type DhcpEvent } from '#netboot';
import type { BootFact } from './boot-log.js';

/** What firmware calls itself (RFC 4578, and IANA's list that goes on from it), where there is no loader for it. */
const architectures: Record<number, string> = {
  6: '32-bit UEFI',
  11: 'UEFI on 64-bit ARM',
  16: 'UEFI that boots over HTTP',
};

/** Told where the firmware that asks is not what the machine's record says: what would be installed might not start. */
export function bootModeFact(machine: Machine, { kind, architecture, note }: DhcpEvent): BootFact | null {
  const isAnswer = kind === 'ack' || (kind === 'proxy' && note === 'proxy');
  if (!isAnswer || architecture === undefined) return null;
  const asked = bootModeOfArchitecture(architecture);
  if (asked === machine.bootMode) return null;
  const data = { architecture, asked, bootMode: machine.bootMode };
  return { kind: 'machine.boot-mode-differs', message: `${machine.name} ${inWords()}`, data };

  function inWords(): string {
    if (asked === null)
      return `asks as ${architectures[architecture ?? 0] ?? `architecture ${architecture}`}, for which dodai has no boot loader: set its firmware to 64-bit UEFI or to BIOS`;
    return `boots with ${asked}, and its record says ${machine.bootMode}: set its firmware to ${machine.bootMode}, or the record with --boot-mode ${asked}`;
  }
}
