import type { Evidence, Fact } from './evidence.js';

/**
 * What a rule is for. *outcome*: how the work ended, told before its cause. *cause*: what is wrong or missing; the first one that
 * applies is told. *standing*: nothing is wrong, or no cause is known. *note*: worth knowing besides; all that apply are told.
 */
export type Weight = 'outcome' | 'cause' | 'standing' | 'note';

/** What a rule found. */
export interface Found {
  /** What is so, in a sentence or two. */
  says: string;
  /** What would have come next and has not. */
  missing?: string;
  /** What to look at in this very case, before the checks that the rule always names. */
  next?: string[];
  evidence?: Fact[];
}

/** One thing that can be so. */
export interface Rule {
  /** What programs and tests match on; never changed. */
  id: string;
  weight: Weight;
  /** For the manual: what it means. */
  means: string;
  /** What to look at, the likeliest first. */
  check: readonly string[];
  find: (evidence: Evidence) => Found | undefined;
}

/** A rule that applied. */
export interface Finding {
  rule: string;
  weight: Weight;
  says: string;
  missing: string | null;
  next: string[];
  evidence: Fact[];
}

/** Keeps the ids of a table of rules as literals, for the list of them all. */
export function rules<const T extends readonly Rule[]>(...table: T): T {
  return table;
}
