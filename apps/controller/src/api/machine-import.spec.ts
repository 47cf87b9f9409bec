import { describe, expect, it } from 'vitest';
import { DomainError } from '#core';
import { type ImportType, readImport, takenBy } from './machine-import.js';

const heading = 'name,instanceType,bmcHost,bmcUser,bmcPassword,pxeMac,pxeIp,label.rack';
const row = (name: string, last: number, mac = `52:54:00:00:00:${String(last).padStart(2, '0')}`) =>
  `${name},standard,10.0.1.${last},admin,secret,${mac},10.0.0.${last},a3`;

/** The faults that reading ends with, as row, field and a word of the message. */
function faultsOf(text: string, type: ImportType = 'text/csv') {
  try {
    readImport(text, type);
  } catch (error) {
    const { errors } = (error as DomainError).context as {
      errors: { row?: number; field: string; message: string }[];
    };
    return errors.map(({ row: number, field, message }) => [number, field, message]);
  }
  return [];
}

describe('an imported CSV file', () => {
  it('gives machines with their rows, empty lines and a byte order mark aside', () => {
    const rows = readImport(`\ufeff${heading}\r\n${row('m1', 1)}\r\n\r\n${row('m2', 2)}\r\n`, 'text/csv');
    expect(
      rows.map(({ row: number, machine }) => [number, machine.name, machine.bmcPort, machine.labels]),
    ).toEqual([
      [2, 'm1', 623, { rack: 'a3' }],
      [4, 'm2', 623, { rack: 'a3' }],
    ]);
  });

  it('has every fault of every row reported', () => {
    const faults = faultsOf([heading, row('m 1', 1, 'zz'), row('m2', 2), row('m3', 300)].join('\n'));
    expect(faults.map(([number, field]) => [number, field])).toEqual([
      [2, 'name'],
      [2, 'pxeMac'],
      [4, 'bmcHost'],
      [4, 'pxeMac'],
      [4, 'pxeIp'],
    ]);
  });

  it('may not name a machine, a MAC, an address or a BMC twice', () => {
    const again = row('m1', 1);
    expect(faultsOf([heading, row('m1', 1), again].join('\n'))).toEqual([
      [3, 'name', 'm1 is that of row 2 already'],
      [3, 'pxeMac', '52:54:00:00:00:01 is that of row 2 already'],
      [3, 'pxeIp', '10.0.0.1 is that of row 2 already'],
      [3, 'bmcHost', '10.0.1.1:623 is that of row 2 already'],
    ]);
  });

  it.each([
    ['', [[undefined, '', 'names no machine']]],
    [heading, [[undefined, '', 'names no machine']]],
    ['name,name', [[1, 'name', 'is there twice']]],
    [`${heading}\nm1,standard`, [[2, '', 'has 2 cells, the heading has 8']]],
    [`${heading}\n"m1`, [[undefined, '', expect.stringContaining('is not CSV')]]],
    ['ipmi_ip', [[1, 'ipmi_ip', expect.stringContaining('is no heading')]]],
  ])('is refused as %j', (text, faults) => {
    expect(faultsOf(text)).toEqual(faults);
  });
});

describe('an imported YAML file', () => {
  const machine =
    '{name: m1, instanceType: t, bmcHost: 10.0.1.1, bmcUser: a, bmcPassword: b, pxeMac: 52:54:00:00:00:01}';

  it('gives machines', () => {
    expect(readImport(`- ${machine}`, 'application/yaml')).toMatchObject([
      { row: 1, machine: { name: 'm1' } },
    ]);
  });

  it.each([
    ['machines: 1', [[undefined, '', 'is not a YAML list of machines']]],
    ['- {a', [[undefined, '', expect.stringContaining('is not YAML')]]],
    [`- ${machine}\n- 3`, [[2, '', expect.anything()]]],
    [`- ${machine}\n- *nowhere`, [[undefined, '', expect.stringContaining('is not YAML')]]],
  ])('is refused as %j', (text, faults) => {
    expect(faultsOf(text, 'application/yaml')).toEqual(faults);
  });
});

it('tells which rows are in the inventory already', () => {
  const rows = readImport([heading, row('m1', 1), row('m2', 2)].join('\n'), 'text/csv');
  const enrolled = {
    name: 'old',
    pxeMac: '52:54:00:00:00:02',
    pxeIp: null,
    bmcHost: '10.0.1.1',
    bmcPort: 623,
  };
  expect(takenBy([enrolled], rows)).toEqual([
    { row: 3, field: 'pxeMac', message: '52:54:00:00:00:02 is that of the machine old already' },
    { row: 2, field: 'bmcHost', message: '10.0.1.1:623 is that of the machine old already' },
  ]);
});
