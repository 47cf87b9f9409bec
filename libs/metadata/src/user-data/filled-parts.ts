import { DomainError, type NicRole, type UserDataPart } from '#core';
import { renderText, type TextFault } from '#templates';
import type { DescribedInstance } from '../described-instance.js';
import { knownIpv4, resolvedNetwork } from '../network/resolved-network.js';

/** What `{{ … }}` in a part may name, and nothing else. What is not known is empty. */
export interface UserDataContext {
  instanceId: string;
  hostName: string;
  /** As `local-ipv4` of the metadata: what a static network gives it, or else the card that it boots from. */
  localIpv4: string;
  /** Of the card that the machine boots from. */
  managementIp: string;
  availabilityZone: string;
  cluster: string;
  instanceType: string;
  /** The same, as other provisioning systems call it. */
  deviceType: string;
  imageId: string;
  launchIndex: number;
  metadata: object;
  nics: { role: NicRole; mac: string; ip: string }[];
}

export function userDataContext(instance: DescribedInstance): UserDataContext {
  const { configuration } = instance;
  return {
    instanceId: instance.id,
    hostName: instance.hostName,
    localIpv4: knownIpv4(instance, resolvedNetwork(instance)) ?? '',
    managementIp: instance.nics[0]?.ip ?? '',
    availabilityZone: instance.availabilityZone,
    cluster: instance.cluster ?? '',
    instanceType: instance.instanceType,
    deviceType: instance.instanceType,
    imageId: instance.imageId ?? '',
    launchIndex: configuration.launchIndex,
    metadata: configuration.metadata,
    nics: instance.nics.map(({ role, mac, ip }) => ({ role, mac, ip: ip ?? '' })),
  };
}

/**
 * The parts with this instance's values in them, those that ask for it. Throws DomainError `user-data-invalid`, which names the
 * part, the line and what is known.
 */
export function filledParts(parts: UserDataPart[], context: UserDataContext): UserDataPart[] {
  return parts.map((part) => filledPart(part, context));
}

function filledPart(part: UserDataPart, context: UserDataContext): UserDataPart {
  if (!part.template) return part;
  try {
    return { ...part, content: renderText(part.content, context) };
  } catch (cause) {
    const fault = (cause as DomainError).context as unknown as TextFault;
    const place = fault.line === null ? '' : `, line ${fault.line}, column ${fault.column}`;
    throw new DomainError('user-data-invalid', `User data, ${part.fileName}${place}: ${fault.message}`, {
      context: { part: part.fileName, ...fault },
      remedy: (cause as DomainError).remedy,
      cause,
    });
  }
}
