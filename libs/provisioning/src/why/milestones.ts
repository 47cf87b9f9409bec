import { type Evidence, isAwaited } from './evidence.js';
import { networkStart } from './network-start.js';
import * as signs from './signs.js';

/** What a machine comes by on its way from power on to the first word of what it starts. */
type Milestone = 'dhcp' | 'loader' | 'configuration' | 'kernel' | 'initrd' | 'first';

const toLoader: [Milestone, signs.Sign][] = [
  ['dhcp', signs.isDhcp],
  ['loader', signs.isLoader],
  ['configuration', signs.isConfiguration],
];

/** The furthest it was seen to come; undefined: it is not on that way. A machine may come by more than was seen. */
export function reached(evidence: Evidence): Milestone | 'nothing' | undefined {
  const { stage, inStage } = evidence;
  if ((stage !== 'booting' && stage !== 'starting') || !isAwaited(evidence)) return undefined;
  const passed = milestonesOf(evidence).findLast(([, sign]) => inStage.some(sign))?.[0];
  return passed ?? 'nothing';
}

function milestonesOf(evidence: Evidence): [Milestone, signs.Sign][] {
  const { kernelPath, initrdPath } = networkStart(evidence);
  return [
    ...toLoader,
    ['kernel', signs.isStartFile([kernelPath], 'completed')],
    ['initrd', signs.isStartFile([initrdPath], 'completed')],
    ['first', evidence.stage === 'starting' ? signs.isMetadata : signs.isScript],
  ];
}
