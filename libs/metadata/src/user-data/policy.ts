import { DomainError } from '#core';
import { type Finding, findingInWords, type Findings } from './finding.js';

/** What becomes of cloud-config that cloud-init would read, but not as meant. */
export type CloudConfigPolicy = 'refuse' | 'warn' | 'off';

const toldFaults = 10;

/**
 * The warnings that are left once the policy has been followed. Throws DomainError `user-data-invalid` with the field, and with
 * every finding. What cloud-init cannot read at all is refused under every policy.
 */
export function judged(findings: Findings, policy: CloudConfigPolicy, field: string): Finding[] {
  const refused = findings.faults.filter(({ about }) => about === 'syntax' || policy === 'refuse');
  if (refused.length > 0) throw refusal(refused, findings, field);
  const left = [...findings.faults, ...findings.warnings];
  return policy === 'off' ? left.filter(({ about }) => about === 'syntax') : left;
}

function refusal(refused: Finding[], { warnings }: Findings, field: string): DomainError {
  const told = refused.slice(0, toldFaults).map(findingInWords);
  const more = refused.length > toldFaults ? [`and ${refused.length - toldFaults} more`] : [];
  return new DomainError('user-data-invalid', `${field} has faults: ${[...told, ...more].join('; ')}`, {
    context: {
      errors: refused.map((finding) => ({ field, message: findingInWords(finding) })),
      faults: refused,
      warnings,
    },
    remedy: 'Mend what is named; lines and columns count from 1 in each part.',
  });
}
