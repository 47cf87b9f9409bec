import type { InstanceView } from '#contract';
import type { Output } from '../output.js';

/** What becomes of the machine of an instance that was given up. */
export function notWipedNote(output: Output, { machine }: InstanceView): void {
  if (!machine) return;
  const { name } = machine;
  output.note(
    `${name} was not wiped, and nobody gets it. When its BMC answers again: dodai machines retry ${name}. ` +
      `To take it out of the inventory: dodai machines delete ${name}`,
  );
}
