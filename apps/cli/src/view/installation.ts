import type { MachineView } from '#contract';

type Installation = NonNullable<MachineView['installation']>;

/** `install 42 %` */
export function installationText({ stage, progress }: Installation): string {
  return progress === null ? stage : `${stage} ${Math.round(progress)} %`;
}
