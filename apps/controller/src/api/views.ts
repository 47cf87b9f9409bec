import {
  allowedInstanceVerbs,
  allowedVerbs,
  bmmStatus,
  type Image,
  type Instance,
  type InstanceType,
  type UserDataItem,
  type Machine,
  type TimelineEvent,
} from '#core';
import type {
  EventView,
  ImageView,
  InstanceTypeView,
  InstanceView,
  MachineView,
  UserDataItemSummary,
  UserDataItemView,
} from '#contract';
import { configurationViewOf } from './configuration-view.js';

const iso = (date: Date) => date.toISOString();
const isoOrNull = (date: Date | null) => date?.toISOString() ?? null;

function powerOf({ power, powerAt }: Machine, now: Date): MachineView['power'] {
  const ageMs = powerAt && now.getTime() - powerAt.getTime();
  return {
    state: power,
    at: isoOrNull(powerAt),
    ageSeconds: ageMs === null ? null : Math.max(0, Math.round(ageMs / 1000)),
  };
}

function installationOf(machine: Machine): MachineView['installation'] {
  if (machine.stage === null) return null;
  return {
    stage: machine.stage,
    since: iso(machine.stageSince ?? machine.stateSince),
    progress: machine.progress,
    message: machine.progressMessage,
    awaits: machine.awaits,
    awaitsUntil: isoOrNull(machine.awaitsUntil),
    attempt: machine.attempt,
    retryAt: isoOrNull(machine.retryAt),
  };
}

export function machineViewOf(machine: Machine, now: Date): MachineView {
  const {
    stage: _s,
    stageSince: _ss,
    progress: _p,
    progressMessage: _m,
    awaits: _a,
    awaitsUntil: _u,
    attempt: _t,
    retryAt: _r,
    ...plain
  } = machine;
  const { powerAt: _at, powerOrderAt: _ordered, ...shown } = plain;
  return {
    ...shown,
    bmcCipherSuite: machine.bmcCipherSuite as MachineView['bmcCipherSuite'],
    stateSince: iso(machine.stateSince),
    status: bmmStatus(machine.state),
    verbs: allowedVerbs(machine),
    power: powerOf(machine, now),
    returnedAt: isoOrNull(machine.returnedAt),
    installation: installationOf(machine),
    createdAt: iso(machine.createdAt),
    updatedAt: iso(machine.updatedAt),
  };
}

interface SeenInstance {
  instance: Instance;
  machine: Machine | null;
  image: Image | null;
  /** That a person is called to its machine now. */
  call: TimelineEvent | null;
  /** Its config drive was given ready-made. */
  readyMadeDrive: boolean;
}

/** The instance with what its machine and image say of it. */
export function instanceViewOf(
  { instance, machine, image, call, ...seen }: SeenInstance,
  now: Date,
): InstanceView {
  const { machineId: _machine, imageId: _image, configurationSources: _sources, ...plain } = instance;
  return {
    ...plain,
    configuration: configurationViewOf(instance, seen.readyMadeDrive),
    verbs: allowedInstanceVerbs(instance.state, machine),
    machine: machine && { id: machine.id, name: machine.name, state: machine.state, pxeIp: machine.pxeIp },
    power: machine && powerOf(machine, now),
    powerOrder: machine && machine.powerOrder,
    locked: machine && machine.locked,
    installation: machine && installationOf(machine),
    operatorCall: call && { instructions: String(call.data.instructions), since: iso(call.at) },
    image: image && { id: image.id, name: image.name },
    createdAt: iso(instance.createdAt),
    installedAt: isoOrNull(instance.installedAt),
    deletedAt: isoOrNull(instance.deletedAt),
  };
}

/** Without what follows the question mark: it may be a secret that gives access. */
function shownUrl(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

export function imageViewOf(image: Image): ImageView {
  const { chunksSha256: _own, ...same } = image;
  const sourceUrl = image.sourceUrl === null ? null : shownUrl(image.sourceUrl);
  return { ...same, sourceUrl, lastUsedAt: isoOrNull(image.lastUsedAt), createdAt: iso(image.createdAt) };
}

export function instanceTypeViewOf(type: InstanceType): InstanceTypeView {
  return { ...type, createdAt: iso(type.createdAt) };
}

export function userDataItemSummaryOf({ content, createdAt, ...same }: UserDataItem): UserDataItemSummary {
  return { ...same, bytes: Buffer.byteLength(content), createdAt: iso(createdAt) };
}

export function userDataItemViewOf(item: UserDataItem, versions: readonly UserDataItem[]): UserDataItemView {
  return {
    ...userDataItemSummaryOf(item),
    content: item.content,
    versions: versions.map(({ version, createdAt, createdBy }) => ({
      version,
      createdAt: iso(createdAt),
      createdBy,
    })),
  };
}

export function eventViewOf(event: TimelineEvent): EventView {
  return { ...event, at: iso(event.at) };
}
