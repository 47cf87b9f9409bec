import type { Rule, Weight } from './rule.js';
import { whyRules } from './rules/index.js';

const headings: Record<Weight, string> = {
  outcome: 'How the work ended',
  cause: 'What is wrong, or missing',
  standing: 'What is going on',
  note: 'Worth knowing besides',
};

/** The rules as docs/why.md shows them, in the order in which they are asked. */
export function whyManual(): string {
  return (Object.keys(headings) as Weight[]).map(chapter).join('\n\n');
}

function chapter(weight: Weight): string {
  const rules = whyRules.filter((rule) => rule.weight === weight);
  return [`## ${headings[weight]}`, ...rules.map(paragraphs)].join('\n\n');
}

function paragraphs({ id, means, check }: Rule): string {
  return [`### ${id}`, means, check.map((one) => `- ${one}`).join('\n')].join('\n\n');
}
