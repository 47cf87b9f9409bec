import type { WhyView } from '#contract';
import type { WhyAnswer } from '#provisioning';

const factView = ({ at, what }: { at: Date; what: string }) => ({ at: at.toISOString(), what });

export function whyViewOf({
  machine,
  instance,
  since,
  until,
  lastSeen,
  findings,
  ...words
}: WhyAnswer): WhyView {
  return {
    machine: machine && { id: machine.id, name: machine.name, state: machine.state, stage: machine.stage },
    instance: instance && { id: instance.id, hostName: instance.hostName, state: instance.state },
    ...words,
    since: since.toISOString(),
    until: until?.toISOString() ?? null,
    lastSeen: lastSeen && factView(lastSeen),
    findings: findings.map(({ evidence, ...finding }) => ({ ...finding, evidence: evidence.map(factView) })),
  };
}
