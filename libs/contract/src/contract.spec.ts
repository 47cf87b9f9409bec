import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import * as contract from './index.js';
import { isImportHeading, machineCreate, machineOfCells, machinePatch, machineView } from './index.js';

const machine = {
  name: 'm1',
  instanceType: 'standard',
  bmcHost: '10.0.0.1',
  bmcUser: 'admin',
  bmcPassword: 'secret',
  pxeMac: '52:54:00:12:34:56',
};

/** The fields that the input is refused for. */
const faultsOf = (schema: z.ZodType, input: unknown) =>
  schema.safeParse(input).error?.issues.map((issue) => issue.path.join('.'));

describe('a machine to create', () => {
  it('gets the defaults of what is left out', () => {
    expect(machineCreate.parse(machine)).toMatchObject({
      bmcPort: 623,
      bmcCipherSuite: 3,
      bootMode: 'bios',
      labels: {},
    });
  });

  it.each(['52-54-00-AB-CD-EF', '5254.00ab.cdef', '525400ABCDEF', ' 52:54:00:ab:cd:ef '])(
    'takes the MAC %s',
    (pxeMac) => {
      expect(machineCreate.parse({ ...machine, pxeMac }).pxeMac).toBe('52:54:00:ab:cd:ef');
    },
  );

  it.each([
    ['pxeMac', '52:54:00:ab:cd'],
    ['pxeMac', '52:54:00:ab:cd:eg'],
    ['pxeMac', 'ff:ff:ff:ff:ff:ff'],
    ['pxeMac', '01:00:5e:00:00:01'],
    ['pxeMac', '00:00:00:00:00:00'],
    ['bmcHost', '10.0.0.256'],
    ['bmcHost', '-x'],
    ['bmcHost', 'a b'],
    ['bmcPort', 0],
    ['bmcPort', 65536],
    ['bmcPort', '623'],
    ['bmcCipherSuite', 0],
    ['pxeIp', '10.0.0'],
    ['vlanId', 4095],
    ['name', 'a/b'],
    ['name', '0b5a2c4e-1111-4222-8333-444455556666'],
    ['rootDeviceHint.path', '/dev/sda'],
    ['labels.a b', 'x'],
  ])('is refused for %s = %s', (field, value) => {
    const [outer = '', inner] = field.split('.');
    const input = { ...machine, [outer]: inner ? { [inner]: value } : value };
    expect(faultsOf(machineCreate, input)).toEqual([field]);
  });

  it('names every fault at once, and unknown fields', () => {
    const result = machineCreate.safeParse({ ...machine, pxeMac: 'x', pxeIp: 'y', ipmiIp: '10.0.0.1' });
    expect(result.error?.issues.map(({ code, path }) => [code, path[0]])).toEqual([
      ['custom', 'pxeMac'],
      ['invalid_format', 'pxeIp'],
      ['unrecognized_keys', undefined],
    ]);
  });
});

describe('a patch of a machine', () => {
  it('changes only what it names', () => {
    expect(machinePatch.parse({ pxeIp: null })).toEqual({ pxeIp: null });
  });

  it('is refused when it names nothing', () => {
    expect(faultsOf(machinePatch, {})).toEqual(['']);
  });
});

it('never shows the password of a BMC', () => {
  expect(Object.keys(machineView.shape)).not.toContain('bmcPassword');
});

describe('the cells of a CSV row', () => {
  it('become the fields of a machine', () => {
    const cells = {
      name: 'm1',
      bmcPort: '6230',
      pxeIp: '',
      'label.rack': 'a3',
      'rootDeviceHint.rotational': 'false',
      'rootDeviceHint.minSizeGb': '100',
    };
    expect(machineOfCells(cells)).toEqual({
      name: 'm1',
      bmcPort: 6230,
      labels: { rack: 'a3' },
      rootDeviceHint: { rotational: false, minSizeGb: 100 },
    });
  });

  it('stay as they are where a number was due, so that the schema names the field', () => {
    expect(machineOfCells({ bmcPort: 'many' })).toEqual({ bmcPort: 'many' });
  });

  it('have headings that are known', () => {
    expect(['pxeMac', 'label.rack', 'rootDeviceHint.wwn'].every(isImportHeading)).toBe(true);
    expect(['ipmi_ip', 'labels', 'label.', 'rootDeviceHint.x', 'toString'].some(isImportHeading)).toBe(false);
  });
});

it('can be written as JSON Schema, all of it', () => {
  const schemas = Object.values(contract).filter((value) => value instanceof z.ZodType);
  expect(schemas.length).toBeGreaterThan(20);
  for (const schema of schemas) expect(z.toJSONSchema(schema, { io: 'input' })).toBeTypeOf('object');
});
