import type {
  ConfigurationSources,
  DiskLayout,
  Image,
  ImageDescription,
  ImageInstall,
  ImageFinding,
  Instance,
  InstanceConfiguration,
  InstanceType,
  LastError,
  LastWipe,
  Machine,
  Mark,
  RootDeviceHint,
  TimelineEvent,
} from '#core';
import type * as Row from './generated/client.js';

/** Rows to domain types. JSON columns are written by this library alone, so their shape is known. */

export function toMachine(row: Row.Machine): Machine {
  const { bmcPassword: _hidden, powerDueAt: _own, instanceTypeName, rootDeviceHint, labels, ...same } = row;
  return {
    ...same,
    instanceType: instanceTypeName,
    lastError: row.lastError as LastError | null,
    bmcFault: row.bmcFault as LastError | null,
    maintenance: row.maintenance as Mark | null,
    locked: row.locked as Mark | null,
    lastWipe: row.lastWipe as LastWipe | null,
    rootDeviceHint: rootDeviceHint as RootDeviceHint | null,
    labels: labels as Record<string, string>,
  };
}

export function toInstance(row: Row.Instance): Instance {
  const { guestReport: _later, ...same } = row;
  return {
    ...same,
    configuration: row.configuration as unknown as InstanceConfiguration,
    configurationSources: row.configurationSources as ConfigurationSources,
    lastError: row.lastError as LastError | null,
  };
}

export function toImage(row: Row.Image): Image {
  return {
    ...row,
    dataBytes: Number(row.dataBytes),
    description: row.description as ImageDescription | null,
    findings: row.findings as unknown as ImageFinding[],
    install: row.install as ImageInstall | null,
    compressedBytes: Number(row.compressedBytes),
    uncompressedBytes: Number(row.uncompressedBytes),
  };
}

export function toInstanceType(row: Row.InstanceType): InstanceType {
  return { ...row, diskLayout: row.diskLayout as DiskLayout | null };
}

export function toEvent(row: Row.Event): TimelineEvent {
  return { ...row, id: row.id.toString(), data: row.data as Record<string, unknown> };
}
