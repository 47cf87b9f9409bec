import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** Labels of boot entries; of one that the order names and that is not there, its number. */
interface BootEntries {
  all: string[];
  order: string[];
}

/** What stands before a variable, and how it is marked: edk2, MdeModulePkg/Include/Guid/VariableFormat.h. */
const volumeHeaderLengthAt = 48;
const storeHeaderBytes = 28;
const variableHeaderBytes = 60;
const startOfVariable = 0x55aa;
/** Added, or about to be replaced by one that is not added yet. */
const presentStates = [0x3f, 0x3e];

const wideText = (bytes: Buffer) => bytes.toString('utf16le').split('\0')[0] ?? '';
const aligned = (offset: number) => Math.ceil(offset / 4) * 4;

/** The variables that a UEFI firmware (OVMF) keeps in its flash memory. */
function variablesIn(flash: Buffer): Map<string, Buffer> {
  const variables = new Map<string, Buffer>();
  let at = aligned(flash.readUInt16LE(volumeHeaderLengthAt) + storeHeaderBytes);
  while (flash.readUInt16LE(at) === startOfVariable) {
    const nameAt = at + variableHeaderBytes;
    const dataAt = nameAt + flash.readUInt32LE(at + 36);
    const end = dataAt + flash.readUInt32LE(at + 40);
    if (presentStates.includes(flash.readUInt8(at + 2)))
      variables.set(wideText(flash.subarray(nameAt, dataAt)), flash.subarray(dataAt, end));
    at = aligned(end);
  }
  return variables;
}

/** A load option (UEFI specification, 3.1.3) has its label after four bytes of attributes and two of a length. */
const labelOf = (option: Buffer) => wideText(option.subarray(6));

const bootName = (number: number) => `Boot${number.toString(16).toUpperCase().padStart(4, '0')}`;

/** The boot entries that the firmware of a machine remembers, and their order. */
export async function bootEntriesOf(machine: { dir: string }): Promise<BootEntries> {
  const variables = variablesIn(await readFile(path.join(machine.dir, 'efivars.fd')));
  const labels = new Map(
    [...variables].flatMap(([name, option]) =>
      /^Boot[0-9A-F]{4}$/.test(name) ? [[name, labelOf(option)] as const] : [],
    ),
  );
  const numbers = variables.get('BootOrder') ?? Buffer.alloc(0);
  const names = Array.from({ length: numbers.length / 2 }, (_, index) =>
    bootName(numbers.readUInt16LE(index * 2)),
  );
  return { all: [...labels.values()], order: names.map((name) => labels.get(name) ?? name) };
}
