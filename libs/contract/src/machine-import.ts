import { z } from 'zod';
import { machineCreate, machineView, rootDeviceHint } from './machine.js';

/** A heading `label.rack` is the label `rack`, `rootDeviceHint.serial` that field of the hint. */
const labelHeading = 'label.';
const hintHeading = 'rootDeviceHint.';

const integerColumns = [
  'vcpus',
  'memoryMb',
  'localGb',
  'bmcPort',
  'bmcCipherSuite',
  'switchPort1',
  'switchPort2',
  'vlanId',
];
const numberHints = ['minSizeGb', 'maxSizeGb'];

function number(text: string): number | string {
  const value = Number(text);
  return Number.isNaN(value) ? text : value;
}

function hintValue(field: string, text: string): unknown {
  if (numberHints.includes(field)) return number(text);
  if (field === 'rotational' && /^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  return text;
}

/** The cells of one CSV row as an object that `machineCreate` reads; an empty cell is a field left out. */
export function machineOfCells(cells: Record<string, string>): Record<string, unknown> {
  const machine: Record<string, unknown> = {};
  const labels: Record<string, string> = {};
  const hint: Record<string, unknown> = {};
  for (const [heading, cell] of Object.entries(cells)) {
    const text = cell.trim();
    if (text === '') continue;
    if (heading.startsWith(labelHeading)) labels[heading.slice(labelHeading.length)] = text;
    else if (heading.startsWith(hintHeading)) {
      const field = heading.slice(hintHeading.length);
      hint[field] = hintValue(field, text);
    } else machine[heading] = integerColumns.includes(heading) ? number(text) : text;
  }
  if (Object.keys(labels).length > 0) machine.labels = labels;
  if (Object.keys(hint).length > 0) machine.rootDeviceHint = hint;
  return machine;
}

/** Whether a CSV heading means anything. */
export function isImportHeading(heading: string): boolean {
  if (heading.startsWith(labelHeading)) return heading.length > labelHeading.length;
  if (heading.startsWith(hintHeading))
    return Object.hasOwn(rootDeviceHint.shape, heading.slice(hintHeading.length));
  return Object.hasOwn(machineCreate.shape, heading) && heading !== 'labels' && heading !== 'rootDeviceHint';
}

export const importHeadings = Object.keys(machineCreate.shape)
  .filter((field) => isImportHeading(field))
  .concat('label.KEY', 'rootDeviceHint.FIELD');

export const machineImportResult = z
  .object({ imported: z.int(), machines: z.array(machineView) })
  .meta({ id: 'MachineImportResult' });

export type MachineImportResult = z.infer<typeof machineImportResult>;
