import { existsSync, readFileSync } from 'node:fs';
import type { DodaiClient } from '../../cli/src/client.js';
import type { RackMachine } from '../../lab/src/index.js';
import type { ControllerProcess } from './controller-process.js';

const serialLines = 60;

/** What is needed to see why an instance did not get where it should: timeline, serial console, controller log. */
export async function failureEvidence(
  client: DodaiClient | undefined,
  controller: ControllerProcess,
  instanceId: string | undefined,
  machines: readonly RackMachine[],
): Promise<string> {
  const sections = [
    section('timeline', client && instanceId ? await timeline(client, instanceId) : ''),
    ...machines.map((machine) => section(`serial console of ${machine.name}`, serialTail(machine))),
    section('log of the controller', controller.logTail()),
  ];
  return sections.join('\n');
}

const section = (title: string, text: string) => `---- ${title}\n${text || '(empty)'}`;

async function timeline(client: DodaiClient, instanceId: string): Promise<string> {
  const lines: string[] = [];
  try {
    for await (const { at, kind, message } of client.listEvents({ instanceId })) {
      lines.push(`${at.slice(11, 23)}  ${kind.padEnd(18)} ${message}`);
    }
  } catch (error) {
    lines.push(`(the controller gives no more: ${String(error)})`);
  }
  return lines.join('\n');
}

/** The end of what the machine printed, without the cursor movements of boot menus. */
function serialTail(machine: RackMachine, lines = serialLines): string {
  if (!existsSync(machine.serialLogPath)) return '';
  return (
    readFileSync(machine.serialLogPath, 'utf8')
      .replaceAll('\r', '')
      // oxlint-disable-next-line no-control-regex
      .replace(/\u001b\[[0-9;?]*[A-Za-z]|[\u0000-\u0008\u000e-\u001a]/g, '')
      .split('\n')
      .filter((line) => line.trim() !== '')
      .slice(-lines)
      .join('\n')
  );
}
