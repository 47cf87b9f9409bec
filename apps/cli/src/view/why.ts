import type { WhyView } from '#contract';
import { machineLifecycle } from '#core';
import type { Palette, Tone } from './palette.js';
import { age, duration, localTime, secondsSince } from './quantities.js';
import { facts } from './table.js';

type Finding = WhyView['findings'][number];

/** Where it stands, then what was found, each with what is missing, what it was concluded from, and what to check. */
export function whyText(why: WhyView, palette: Palette, now: Date): string {
  const { headline, since, lastSeen, awaits, until, findings, nextVerbs } = why;
  const standing = facts([
    ['Since', `${localTime(since)} (${duration(secondsSince(since, now))})`],
    ['Last seen', lastSeen ? `${lastSeen.what} (${age(lastSeen.at, now)})` : 'nothing of the machine itself'],
    ['Awaits', awaits && `${awaits}${until === null ? '' : `, until ${localTime(until)}`}`],
    ['Possible now', nextVerbs.join(', ')],
  ]);
  const title = palette.paint(toneOf(why), headline);
  return `${[title, standing, ...findings.map((finding) => findingText(finding, palette))].join('\n\n')}\n`;
}

function toneOf({ machine }: WhyView): Tone {
  return machine && machineLifecycle[machine.state].kind === 'failed' ? 'bad' : 'strong';
}

function findingText({ rule, weight, says, missing, next, evidence }: Finding, palette: Palette): string {
  const label = weight === 'note' ? 'Besides: ' : '';
  const times = evidence.map(({ at, what }) => `  ${palette.paint('faint', localTime(at))}  ${what}`);
  const checks = next.map((check, index) => `  ${index + 1}. ${check}`);
  return [
    `${label}${palette.paint('strong', says)} ${palette.paint('faint', `[${rule}]`)}`,
    ...(missing === null ? [] : [`Missing: ${missing}`]),
    ...(times.length > 0 ? ['Seen:', ...times] : []),
    ...(checks.length > 0 ? ['Check next:', ...checks] : []),
  ].join('\n');
}
