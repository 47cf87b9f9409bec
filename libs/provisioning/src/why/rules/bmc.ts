import type { LastError } from '#core';
import { type Evidence, factsOf } from '../evidence.js';
import { type Found, rules } from '../rule.js';

/** What the BMC is to do next; without it the work stands still. */
function needsBmc({ standing, machine: { stage, awaits, powerOrder, state } }: Evidence): boolean {
  if (powerOrder !== null) return true;
  if (standing !== 'working') return false;
  return state === 'verifying' || awaits === null || stage === 'install_reboot' || stage === 'deleted';
}

/** What is wrong with the BMC, if that is what holds things up. */
function troubleOf(evidence: Evidence): Pick<LastError, 'code' | 'message' | 'remedy'> | undefined {
  const { error, standing, machine, events } = evidence;
  if (error?.code.startsWith('bmc-')) return error;
  if (standing === 'resting' && machine.bmcFault) return machine.bmcFault;
  const last = (needsBmc(evidence) && events.findLast(({ kind }) => kind === 'bmc.command')) || undefined;
  if (last?.data.result !== 'failed') return undefined;
  return { code: String(last.data.code), message: last.message };
}

function found(evidence: Evidence, codes: readonly string[], missing: string): Found | undefined {
  const trouble = troubleOf(evidence);
  if (!trouble || !codes.includes(trouble.code)) return undefined;
  const commands = evidence.events.filter(({ kind }) => kind === 'bmc.command');
  return {
    says: trouble.message,
    missing,
    next: trouble.remedy === undefined ? [] : [sentence(trouble.remedy)],
    evidence: factsOf(commands, 4),
  };
}

function sentence(text: string): string {
  const [first = '', ...rest] = text;
  return `${first.toUpperCase()}${rest.join('')}${text.endsWith('.') ? '' : '.'}`;
}

export const bmcRules = rules(
  {
    id: 'bmc-unreachable',
    weight: 'cause',
    means: 'The BMC does not answer, is busy, or has an address that leads nowhere.',
    check: [
      'Ping the BMC from the host of the controller; look at its cable, its switch port and its VLAN.',
      'See that IPMI over LAN is enabled on it and that UDP reaches the port.',
      'Restart the BMC in its own console; then `dodai machines verify`.',
    ],
    find: (evidence) =>
      found(evidence, ['bmc-no-answer', 'bmc-unreachable', 'bmc-busy'], 'An answer of the BMC.'),
  },
  {
    id: 'bmc-refuses',
    weight: 'cause',
    means:
      'The BMC answers and does not do it: password, user, privilege, cipher suite, or the order itself.',
    check: [
      'Try the same user and password with ipmitool from the host of the controller.',
      'Correct the record of the machine (`dodai machines set`), then `dodai machines verify`.',
    ],
    find: (evidence) =>
      found(
        evidence,
        [
          'bmc-wrong-credentials',
          'bmc-privilege',
          'bmc-wrong-cipher-suite',
          'bmc-refused',
          'bmc-answer-unknown',
        ],
        'A BMC that takes the order.',
      ),
  },
  {
    id: 'power-does-not-follow',
    weight: 'cause',
    means: 'The BMC took the order, and the power did not follow.',
    check: [
      'Look at the machine in the console of its BMC: does it switch by hand there?',
      'Look at its power supplies and at the policy for power loss; a BMC that says yes and does nothing often needs a restart.',
    ],
    find: (evidence) => found(evidence, ['bmc-state-not-reached'], 'The power state that was ordered.'),
  },
);
