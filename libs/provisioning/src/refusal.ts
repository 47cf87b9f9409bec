import { allowedVerbs, DomainError, type Machine, type Verb, verbRefusal } from '#core';

/** Throws `verb-not-allowed`, `machine-locked` or `machine-in-maintenance` when the machine does not take the verb now. */
export function checkTaken(verb: Verb, machine: Machine): void {
  const refusal = verbRefusal(verb, machine);
  if (refusal === 'state') throw notNow(machine, verb);
  if (refusal) throw marked(machine, verb, refusal);
}

function notNow(machine: Machine, verb: Verb): DomainError {
  const where = machine.stage ? `${machine.state} (${machine.stage})` : machine.state;
  return new DomainError('verb-not-allowed', `${verb} is not possible while ${machine.name} is ${where}.`, {
    remedy: `Possible now: ${allowedVerbs(machine).join(', ')}. Others may be when its work has ended.`,
    context: { state: machine.state, stage: machine.stage, verb },
  });
}

export function marked(machine: Machine, verb: string, mark: 'locked' | 'maintenance'): DomainError {
  const { reason, by, at } = machine[mark] ?? { reason: '', by: '', at: '' };
  const [code, state, end] =
    mark === 'locked'
      ? (['machine-locked', 'locked', 'Unlock it first'] as const)
      : (['machine-in-maintenance', 'in maintenance', 'End its maintenance first'] as const);
  return new DomainError(
    code,
    `${verb} is refused: ${machine.name} is ${state} since ${at}, by ${by}: ${reason}`,
    { remedy: `${end}, or leave it alone.`, context: { verb } },
  );
}
