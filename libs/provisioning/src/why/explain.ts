import { allowedVerbs, type Verb } from '#core';
import type { Evidence, Fact, Standing } from './evidence.js';
import type { Finding, Rule, Weight } from './rule.js';
import { whyRules } from './rules/index.js';
import { lastSignOfLife } from './signs.js';

/** Where a machine stands, in words. */
export interface Explanation {
  /** One sentence: what it is doing, or how it rests, or that it failed. */
  headline: string;
  since: Date;
  /** The last that the machine itself did; null: nothing since the work began. */
  lastSeen: Fact | null;
  /** What is awaited, and until when; null: nothing. */
  awaits: string | null;
  until: Date | null;
  /** What was found, what matters most first. Never empty for a machine. */
  findings: Finding[];
  nextVerbs: Verb[];
}

/** Says where the machine stands, from what happened to it. Pure. */
export function explain(evidence: Evidence): Explanation {
  const { machine, standing } = evidence;
  const last = lastSignOfLife(evidence);
  return {
    headline: headlineOf(evidence),
    since: standing === 'working' ? evidence.stageSince : machine.stateSince,
    lastSeen: last ? { at: last.at, what: last.message } : null,
    awaits: standing === 'retrying' ? `try ${machine.attempt}` : machine.awaits,
    until: standing === 'retrying' ? machine.retryAt : machine.awaitsUntil,
    findings: findingsOf(evidence),
    nextVerbs: allowedVerbs(machine),
  };
}

/** How the work ended, then the first cause that fits, or else what is going on; then everything worth knowing besides. */
function findingsOf(evidence: Evidence): Finding[] {
  const outcomes = applying('outcome', evidence);
  const [cause] = applying('cause', evidence);
  const [standing] =
    cause || (evidence.standing === 'failed' && outcomes.length > 0) ? [] : applying('standing', evidence);
  return [...outcomes, cause, standing, ...applying('note', evidence)].filter(
    (finding) => finding !== undefined,
  );
}

function applying(weight: Weight, evidence: Evidence): Finding[] {
  return whyRules.filter((rule) => rule.weight === weight).flatMap((rule) => findingOf(rule, evidence) ?? []);
}

function findingOf(rule: Rule, evidence: Evidence): Finding | undefined {
  const found = rule.find(evidence);
  if (!found) return undefined;
  const { says, missing = null, next = [], evidence: facts = [] } = found;
  return {
    rule: rule.id,
    weight: rule.weight,
    says,
    missing,
    next: [...next, ...rule.check],
    evidence: facts,
  };
}

function headlineOf({ machine, standing, stage, error, instance }: Evidence): string {
  const { name, state, attempt, awaits, power } = machine;
  const inStage = stage === null ? '' : ` (${stage})`;
  const whose = instance && instance.state !== 'deleted' ? ` with ${instance.hostName}` : '';
  const sentences: Record<Standing, string> = {
    working: `${name} is ${state}${inStage}${attempt > 1 ? `, try ${attempt}` : ''}${awaits === null ? '' : `, waiting for ${awaits}`}.`,
    retrying: `${name} is ${state} and waits for its next try.`,
    failed: `${name} is ${state}${inStage}: ${(error?.message ?? 'no reason was kept.').replace(`${name}: `, '')}`,
    resting: `${name} is ${state}${whose}, ${power === 'unknown' ? 'its power is not known' : `its power is ${power}`}.`,
  };
  return sentences[standing];
}
