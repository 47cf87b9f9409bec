import type { Rule } from '../rule.js';
import { bmcRules } from './bmc.js';
import { firstBoot } from './first-boot.js';
import { installerFailures } from './installer-failures.js';
import { installing } from './installing.js';
import { networkBoot } from './network-boot.js';
import { notes } from './notes.js';
import { outcomes } from './outcomes.js';
import { standing } from './standing.js';

/**
 * Every rule, in the order in which they are asked. What somebody said (a BMC, an installer) comes before what follows from what
 * was not heard; of that, what was refused before what did not come; within a table the most specific first.
 */
const table = [
  ...outcomes,
  ...bmcRules,
  ...installerFailures,
  ...networkBoot,
  ...installing,
  ...firstBoot,
  ...standing,
  ...notes,
] as const;

export type RuleId = (typeof table)[number]['id'];
export const whyRules: readonly (Rule & { id: RuleId })[] = table;
