import { parse as parseCsv } from 'csv-parse/sync';
import { parse as parseYaml, YAMLParseError } from 'yaml';
import { DomainError } from '#core';
import {
  type FieldFault,
  importHeadings,
  isImportHeading,
  machineCreate,
  type MachineCreate,
  machineOfCells,
} from '#contract';
import { faultsOf } from '../http/validation.js';

export const importTypes = ['text/csv', 'application/yaml'] as const;
export type ImportType = (typeof importTypes)[number];

/** A machine of the file, and the row that people find it by. */
export interface ImportedRow {
  row: number;
  machine: MachineCreate;
}

/** As read, before it is known to be a machine. */
interface RawRow {
  row: number;
  value: unknown;
}

export function importInvalid(errors: FieldFault[]): DomainError {
  const named = errors.map(({ row, field, message }) =>
    [row && `row ${row}`, field, message].filter(Boolean).join(': '),
  );
  return new DomainError('import-invalid', `Nothing was imported, the file has faults: ${named.join('; ')}`, {
    context: { errors },
    remedy: 'Mend these rows and send the whole file again.',
  });
}

const wholeFile = (message: string) => importInvalid([{ field: '', message }]);

/** Reads the file. Throws DomainError `import-invalid` with every fault of every row. */
export function readImport(text: string, type: ImportType): ImportedRow[] {
  const raw = type === 'text/csv' ? rowsOfCsv(text) : rowsOfYaml(text);
  if (raw.length === 0) throw wholeFile('names no machine');
  const faults: FieldFault[] = [];
  const rows: ImportedRow[] = [];
  for (const { row, value } of raw) {
    const parsed = machineCreate.safeParse(value);
    if (parsed.success) rows.push({ row, machine: parsed.data });
    else faults.push(...faultsOf(parsed.error.issues).map((fault) => ({ row, ...fault })));
  }
  faults.push(...repeatedIn(rows));
  if (faults.length > 0) throw importInvalid(faults.sort((a, b) => (a.row ?? 0) - (b.row ?? 0)));
  return rows;
}

/** A record of csv-parse with `info`. */
interface CsvRecord {
  record: string[];
  info: { lines: number };
}

function rowsOfCsv(text: string): RawRow[] {
  const [heading, ...records] = recordsOf(text);
  if (!heading) return [];
  const headings = heading.record.map((cell) => cell.trim());
  const unknown = headings.filter(
    (name, index) => !isImportHeading(name) || headings.indexOf(name) !== index,
  );
  if (unknown.length > 0)
    throw importInvalid(
      unknown.map((name) => ({
        row: 1,
        field: name,
        message: isImportHeading(name)
          ? 'is there twice'
          : `is no heading; there are: ${importHeadings.join(', ')}`,
      })),
    );
  return records.map(({ record, info }) => {
    if (record.length !== headings.length)
      throw importInvalid([
        {
          row: info.lines,
          field: '',
          message: `has ${record.length} cells, the heading has ${headings.length}`,
        },
      ]);
    return {
      row: info.lines,
      value: machineOfCells(Object.fromEntries(headings.map((name, i) => [name, record[i] ?? '']))),
    };
  });
}

function recordsOf(text: string): CsvRecord[] {
  try {
    const options = { info: true, bom: true, skip_empty_lines: true, relax_column_count: true } as const;
    return parseCsv(text, options) as unknown as CsvRecord[]; // the types of csv-parse do not know what `info` changes
  } catch (cause) {
    throw wholeFile(`is not CSV: ${(cause as Error).message}`);
  }
}

function rowsOfYaml(text: string): RawRow[] {
  const machines = yamlOf(text);
  if (!Array.isArray(machines)) throw wholeFile('is not a YAML list of machines');
  return machines.map((value: unknown, index) => ({ row: index + 1, value }));
}

function yamlOf(text: string): unknown {
  try {
    return parseYaml(text, { maxAliasCount: 100 });
  } catch (cause) {
    if (cause instanceof YAMLParseError || cause instanceof ReferenceError)
      throw wholeFile(`is not YAML: ${cause.message.split('\n')[0] ?? ''}`);
    throw cause;
  }
}

/** What no two machines may share; `field` is what the person must change. */
const unique: readonly { field: string; of: (machine: MachineCreate) => string | null | undefined }[] = [
  { field: 'name', of: ({ name }) => name },
  { field: 'pxeMac', of: ({ pxeMac }) => pxeMac },
  { field: 'pxeIp', of: ({ pxeIp }) => pxeIp },
  { field: 'bmcHost', of: ({ bmcHost, bmcPort }) => `${bmcHost}:${bmcPort}` },
];

function repeatedIn(rows: ImportedRow[]): FieldFault[] {
  return unique.flatMap(({ field, of }) => {
    const firstRow = new Map<string, number>();
    return rows.flatMap(({ row, machine }) => {
      const value = of(machine);
      if (value === null || value === undefined) return [];
      const first = firstRow.get(value);
      if (first !== undefined) return [{ row, field, message: `${value} is that of row ${first} already` }];
      firstRow.set(value, row);
      return [];
    });
  });
}

/** A machine of the inventory as far as it can be in the way of another. */
type Enrolled = Pick<MachineCreate, 'name' | 'pxeMac' | 'pxeIp' | 'bmcHost' | 'bmcPort'>;

/** The rows that are in the inventory already. */
export function takenBy(enrolled: Enrolled[], rows: ImportedRow[]): FieldFault[] {
  return unique.flatMap(({ field, of }) => {
    const owner = new Map(enrolled.map((machine) => [of(machine as MachineCreate), machine.name]));
    return rows.flatMap(({ row, machine }) => {
      const value = of(machine);
      const taken = value && owner.get(value);
      return taken ? [{ row, field, message: `${value} is that of the machine ${taken} already` }] : [];
    });
  });
}
