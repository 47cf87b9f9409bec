import type { InstanceState, MachineState } from '#core';

/**
 * What the instance on a machine may be while the machine is in this state; null: there is none on it. Nothing else may ever be
 * seen in the database, whatever was asked, said or killed.
 */
export const legalInstances: Record<MachineState, readonly (InstanceState | null)[]> = {
  enrolled: [null],
  verifying: [null],
  verify_failed: [null],
  inactive: [null],
  installing: ['building'],
  install_failed: ['error'],
  active: ['active', 'stopped'],
  handing_over: ['building'],
  used: ['active', 'stopped'],
  deleting: ['deleting', 'deleted'], // deleted: it was given up by force, and what it left is being wiped
  delete_failed: ['error', 'deleted'],
};

/** Whether these two may be together. */
export function isLegal(machine: MachineState, instance: InstanceState | null): boolean {
  return legalInstances[machine].includes(instance);
}
