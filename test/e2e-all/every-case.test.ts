import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import type { InstanceView } from '#contract';
import {
  type ImageForm,
  imageForms,
  importForm,
  install,
  proveInstalled,
} from '../e2e/installation-cases.js';
import { RackUnderTest } from '../e2e/rack-under-test.js';

const deleteMs = 600_000;
const firmwares = ['bios', 'uefi'] as const;
const buses = [
  { bus: 'virtio', disk: /^vd/ },
  { bus: 'sata', disk: /^sd/ },
  { bus: 'nvme', disk: /^nvme/ },
];

/** {BIOS, UEFI} x {virtio, SATA, NVMe}: a machine each; every form of image is then installed on every machine. */
const machines = firmwares.flatMap((firmware) =>
  buses.map(({ bus, disk }) => ({ firmware, disk, disks: [`${bus}:6G`] })),
);
const named = machines.map((machine, index) => ({ ...machine, name: `m${index + 1}` }));
/** A whole disk is made for one size of sector; the other forms come to any. SeaBIOS starts nothing from such a disk. */
const native4k = {
  name: `m${named.length + 1}`,
  firmware: 'uefi',
  disks: ['nvme:6G:4k'],
  disk: /^nvme/,
} as const;

describe.sequential('every form of image on every kind of machine', () => {
  let site: RackUnderTest;
  const instances = new Map<string, InstanceView>();

  beforeAll(async () => {
    site = await RackUnderTest.raise('e2e-all', [...machines, native4k]);
    for (const form of imageForms) await importForm(site, form);
  });
  afterAll(async () => {
    await site?.down();
  });

  const prove = async (form: ImageForm, machine: (typeof named)[number] | typeof native4k) => {
    const { name } = machine;
    onTestFailed(async () => console.error(await site.evidence([...instances.values()])));
    instances.set(name, await install(site, { machine: name, form, present: instances.get(name) }));
    await proveInstalled(site, name, { form, ...machine });
  };

  for (const form of imageForms)
    for (const machine of named)
      it(`${form} on ${machine.firmware} and ${machine.disks.join()}`, () => prove(form, machine));

  for (const form of ['fileSystem', 'tarball'] as const)
    it(`${form} on a disk with sectors of 4096 bytes`, () => prove(form, native4k));

  it('is wiped from each of them', async () => {
    const given = [...instances.values()];
    await Promise.all(given.map(({ id }) => site.client.destroy(id)));
    const ended = await Promise.all(given.map(({ id }) => site.until('deleted', id, deleteMs)));
    expect(ended.map(({ state }) => state)).toEqual(given.map(() => 'deleted'));
  });
});
