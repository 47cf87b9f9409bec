import type { MachineView } from '#contract';
import { localTime } from './quantities.js';

type Installation = NonNullable<MachineView['installation']>;

/** `install 42 %` */
export function installationText({ stage, progress }: Installation): string {
  return progress === null ? stage : `${stage} ${Math.round(progress)} %`;
}

/** `2, begins at 12:00:30`; nothing of a first try. */
export function tryText(installation: Installation | null): string | null {
  if (!installation || (installation.attempt === 1 && installation.retryAt === null)) return null;
  const { attempt, retryAt } = installation;
  return retryAt === null ? String(attempt) : `${attempt}, begins at ${localTime(retryAt)}`;
}
