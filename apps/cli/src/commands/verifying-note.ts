import type { MachineView } from '#contract';
import type { Output } from '../output.js';

/** The time to wait was over, or nobody wanted to wait. */
export function noteIfVerifying(output: Output, { name, state }: MachineView): void {
  if (state === 'verifying') output.note(`Its BMC is still being checked: dodai machines show ${name}`);
}
