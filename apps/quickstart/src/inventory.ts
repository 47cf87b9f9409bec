import type { ImageView, InstanceView, MachineView } from '#contract';
import { DomainError, type ErrorCode } from '#core';
import type { DodaiClient } from '../../cli/src/client.js';
import type { Rack, RackMachine } from '../../lab/src/index.js';
import { sha256Of } from './images.js';

/** Small enough for the disks of the rack; on real machines the defaults (10 GiB root, 2 swap, 10 kdump) fit. */
export const instanceType = {
  name: 'rack-small',
  vcpus: 1,
  memoryMb: 1024,
  localGb: 4,
  rootSizeMib: 2560,
  swapSizeMib: 256,
  kdumpSizeMib: 256,
  ephemeralSizeMib: 0,
  wipeMode: 'discard',
} as const;

const verifySeconds = 60;

/** The answer, or undefined where it is the given refusal. */
async function unless<T>(code: ErrorCode, asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof DomainError && error.code === code) return undefined;
    throw error;
  }
}

export async function ensureInstanceType(client: DodaiClient): Promise<void> {
  const present = await unless('instance-type-not-found', client.instanceType(instanceType.name));
  if (!present) await client.createInstanceType(instanceType);
}

/** The image under the name; one of the same name with other content makes way. */
export async function ensureImage(
  client: DodaiClient,
  image: { name: string; file: string; defaultUser: string },
): Promise<ImageView> {
  const sha256 = await sha256Of(image.file);
  const present = await unless('image-not-found', client.image(image.name));
  if (present?.sourceSha256 === sha256) return present;
  if (present) await client.deleteImage(present.id);
  return await client.uploadImage({ ...image, sha256 });
}

/** Enrols a machine of the rack; its BMC has answered when this returns. */
export async function ensureMachine(client: DodaiClient, machine: RackMachine): Promise<MachineView> {
  const present = await unless('machine-not-found', client.machine(machine.name));
  if (!present) return await client.createMachine(enrolment(machine), verifySeconds);
  if (present.state !== 'verify_failed') return present;
  return await client.verifyMachine(machine.name, verifySeconds);
}

function enrolment(machine: RackMachine) {
  const { host, port, user, password } = machine.bmc;
  const [serviceMac1, serviceMac2] = machine.serviceMacs;
  return {
    name: machine.name,
    instanceType: instanceType.name,
    bmcHost: host,
    bmcPort: port,
    bmcUser: user,
    bmcPassword: password,
    pxeMac: machine.mac,
    pxeIp: machine.ip,
    ...(serviceMac1 !== undefined && { serviceMac1 }),
    ...(serviceMac2 !== undefined && { serviceMac2 }),
    bootMode: machine.firmware === 'bios' ? ('bios' as const) : ('uefi' as const),
    labels: { rack: 'quickstart' },
  };
}

export async function instanceNamed(
  client: DodaiClient,
  hostName: string,
): Promise<InstanceView | undefined> {
  for await (const instance of client.listInstances({ hostName, deleted: false })) return instance;
  return undefined;
}

/** Machines of the rack are enrolled under the names they have there. */
export function rackMachineOf(rack: Rack, instance: InstanceView): RackMachine {
  return rack.machine(instance.machine?.name ?? '');
}
