/**
 * Where a machine stands, in words. *Evidence* is what happened since its work began, a *rule* one thing that can be so, a
 * *finding* a rule that applied. One file per part of the way in rules/; which is told first is decided by explain.ts.
 */
export { type Answer as WhyAnswer, Why } from './why.js';
export { whyManual } from './manual.js';
export { whyRules } from './rules/index.js';
