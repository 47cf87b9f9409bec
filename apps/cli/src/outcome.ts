import type { InstanceView } from '#contract';
import { DomainError, type ErrorCode, errorCodes } from '#core';
import type { Session } from './session.js';
import type { Watched } from './watch/watch-instance.js';
import { duration, secondsSince } from './view/quantities.js';

/** A failed installation or deletion is an error of the command that waited for it. */
export function throwIfFailed({ state, hostName, lastError, machine }: InstanceView): void {
  if (state !== 'error') return;
  const code: ErrorCode = errorCodes.find((known) => known === lastError?.code) ?? 'installer-failed';
  const remedy = lastError?.remedy ?? `Ask why: dodai why ${machine?.name ?? hostName}`;
  throw new DomainError(code, `${hostName}: ${lastError?.message ?? 'it failed'}`, { remedy });
}

/** The last line of a watch: what is there now and what one does with it. */
export async function outcomeText(session: Session, { instance, timeline }: Watched): Promise<string> {
  const { hostName, state, machine, installedAt } = instance;
  if (state === 'deleted') return `${hostName} is deleted${machineAfter(timeline)}.`;
  if (!installedAt || !timeline.startedAt) return `${hostName} is ${state}.`;
  const took = duration(secondsSince(timeline.startedAt, new Date(installedAt)));
  const did = timeline.work === 'hand-over' ? 'has its machine, which waited in the pool' : 'is installed';
  const installed = `${hostName} ${did}, ${took} after it was asked for.`;
  if (!machine?.pxeIp) return installed;
  return `${installed}\nLog in: ssh ${await loginPrefix(session, instance)}${machine.pxeIp}`;
}

function machineAfter({ lastState }: Watched['timeline']): string {
  if (lastState === 'inactive') return '; its machine is back in the pool';
  return lastState === 'delete_failed' ? '; its machine is not wiped, and is kept back' : '';
}

/** `debian@` when the image says whom its keys are for. */
async function loginPrefix({ client }: Session, { image }: InstanceView): Promise<string> {
  if (!image) return '';
  const known = await client.image(image.id).catch(() => null);
  return known?.defaultUser ? `${known.defaultUser}@` : '';
}
