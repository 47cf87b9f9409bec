import type { BmcFault, Fault, Moment, Slot } from '../simulated-rack/index.js';
import type { FaultLab } from './fault-lab.js';
import { asker, type End, type LifeName } from './lives.js';

/** One thing that goes wrong in one machine, and what may come of it. */
export interface Scenario {
  group: 'machine' | 'words' | 'BMC' | 'verbs';
  name: string;
  /** In which work it happens. */
  life: LifeName;
  /** The work whose end is awaited; that one unless the fault is another wish. */
  ends?: LifeName;
  /** Puts the fault in place before the work begins. */
  arrange(slot: Slot, lab: FaultLab): void;
  /** The same end as without the fault, or the failed state with this reason; a retry then has to lead to that end. */
  expected: readonly End[];
  /** Also in the campaign of the test command. */
  short?: boolean;
}

const works = ['install', 'destroy', 'reuse', 'netinstall', 'live', 'manual'] as const;
type Work = (typeof works)[number];
/** In the test command the methods have a test of their own: test/integration/simulated-methods.test.ts. */
const shortWorks: readonly LifeName[] = ['install', 'destroy', 'reuse'];
const firmware = ['firmware', 'loader', 'configuration', 'kernel', 'initrd'] as const;
/** The moments of each, in order. */
const ways: Record<Work, readonly Moment[]> = {
  install: [
    ...firmware,
    ...(['script', 'install', 'partition', 'image', 'boot-loader'] as const),
    ...(['install_reboot', 'done', 'disk', 'installed'] as const),
  ],
  destroy: [...firmware, 'script', 'delete', 'wipe', 'read-back', 'deleted', 'done'],
  reuse: ['hand-over', 'installed'],
  netinstall: [
    ...firmware,
    ...(['script', 'begin', 'install', 'partition', 'image', 'boot-loader'] as const),
    ...(['install_reboot', 'done', 'disk', 'installed'] as const),
  ],
  live: [...firmware, 'metadata', 'installed'],
  manual: ['disk', 'installed'],
};
const shortMoments = new Set<Moment>(['kernel', 'image', 'disk', 'wipe', 'hand-over']);

/** What happens at each moment of each work. */
function atEachMoment(make: (life: Work, at: Moment, short: boolean) => Scenario[]): Scenario[] {
  return works.flatMap((life) =>
    ways[life].flatMap((at) => make(life, at, shortWorks.includes(life) && shortMoments.has(at))),
  );
}

function ofMachine(
  life: LifeName,
  what: string,
  fault: Fault,
  expected: readonly End[],
  short = false,
): Scenario {
  const arrange = ({ machine }: Slot) => machine.faults.add(fault);
  return { group: 'machine', name: what, life, arrange, expected, short };
}

/** A disk is half-written or half-wiped then. */
const isHalf = (at: Moment) => at === 'image' || at === 'wipe';

/** One that has written everything and hangs is switched off hard; one that cannot be handed over is installed. */
const endsWell = new Set<Moment>(['done', 'hand-over']);

const troubles = atEachMoment((life, at, short) => [
  ofMachine(life, `hangs once at ${at}`, { kind: 'hangs', at, times: 1 }, ['same'], short),
  ofMachine(life, `hangs at ${at}, always`, { kind: 'hangs', at }, [
    endsWell.has(at) ? 'same' : 'deadline-expired',
  ]),
  ofMachine(life, `restarts at ${at}`, { kind: 'restarts', at }, ['same'], short && isHalf(at)),
  ofMachine(life, `loses power at ${at}`, { kind: 'loses-power', at }, ['same'], short && isHalf(at)),
]);

const failures: Scenario[] = [
  ...(['install', 'netinstall'] as const).flatMap((life) =>
    (['partition', 'image', 'boot-loader'] as const).map((at) =>
      ofMachine(
        life,
        `its script fails at ${at}`,
        { kind: 'fails', at, message: 'no disk' },
        ['installer-failed'],
        life === 'install' && at === 'image',
      ),
    ),
  ),
  ...(['wipe', 'read-back'] as const).map((at) =>
    ofMachine(
      'destroy',
      `its script fails at ${at}`,
      { kind: 'fails', at, message: 'bad block' },
      ['installer-failed'],
      at === 'wipe',
    ),
  ),
  ofMachine(
    'reuse',
    'the script of its owner fails once',
    { kind: 'fails', at: 'hand-over', message: 'no such user', times: 1 },
    ['same'],
    true,
  ),
  ofMachine('install', 'the image download stalls once', { kind: 'image-stalls', times: 1 }, ['same'], true),
  ofMachine(
    'install',
    'boots the network again, always',
    { kind: 'boots-network-again' },
    ['deadline-expired'],
    true,
  ),
  ...(['install', 'destroy'] as const).map((life) =>
    ofMachine(life, 'ignores soft-off', { kind: 'ignores-soft-off' }, ['same'], true),
  ),
];

const said = {
  install: ['install', 'install_reboot', 'installed'],
  destroy: ['delete', 'deleted'],
  reuse: ['installed'],
  netinstall: ['install', 'install_reboot', 'installed'],
  live: ['installed'],
  manual: ['installed'],
} as const;

const words = works.flatMap((life) =>
  said[life].flatMap((word) => {
    const short = shortWorks.includes(life) && (word === 'install_reboot' || word === 'deleted');
    const wrong = life === 'destroy' ? 'installed' : 'deleted';
    const faults: [string, Fault, readonly End[]][] = [
      [`never says ${word}, once`, { kind: 'never-says', word, times: 1 }, ['same']],
      [`never says ${word}`, { kind: 'never-says', word }, ['deadline-expired']],
      [`says ${word} twice`, { kind: 'says-twice', word }, ['same']],
      [`says ${word} after its deadline`, { kind: 'says-late', word, lateMs: 12_000, times: 1 }, ['same']],
      [`says ${wrong} before ${word}`, { kind: 'says-first', word, first: wrong }, ['same']],
      [`a stranger says ${word}`, { kind: 'stranger-says', word }, ['same']],
    ];
    return faults.map(([what, fault, expected]): Scenario => ({
      ...ofMachine(life, what, fault, expected, short),
      group: 'words',
    }));
  }),
);

const bmcFaults: [what: string, fault: BmcFault, expected: readonly End[], short?: boolean][] = [
  ['dead for two commands', { kind: 'dead', times: 2 }, ['same'], true],
  ['dead', { kind: 'dead' }, ['bmc-no-answer'], true],
  ['slow', { kind: 'slow', ms: 60 }, ['same'], true],
  ['too slow for three commands, which it carries out', { kind: 'slow', ms: 500, times: 3 }, ['same'], true],
  ['of another password', { kind: 'wrong-password' }, ['bmc-wrong-credentials'], true],
  [
    'that says yes to on once and does nothing',
    { kind: 'does-nothing', verbs: ['on'], times: 1 },
    ['same'],
    true,
  ],
  [
    'that says yes to on and does nothing',
    { kind: 'does-nothing', verbs: ['on'] },
    ['bmc-state-not-reached'],
  ],
  [
    'that says yes to soft-off and does nothing',
    { kind: 'does-nothing', verbs: ['softOff'] },
    ['same'],
    true,
  ],
  ['that answers garbage', { kind: 'answers-garbage' }, ['bmc-answer-unknown'], true],
  ['that answers on with garbage', { kind: 'answers-garbage', verbs: ['on'] }, ['bmc-answer-unknown']],
  ['that refuses on', { kind: 'refuses', verbs: ['on'] }, ['bmc-refused']],
  ['that refuses soft-off', { kind: 'refuses', verbs: ['softOff'] }, ['same']],
];

const bmcs = (['install', 'destroy'] as const).flatMap((life) =>
  bmcFaults.map(([what, fault, expected, short]): Scenario => {
    const arrange = ({ bmc }: Slot) => bmc.faults.add(fault);
    return { group: 'BMC', name: `a BMC ${what}`, life, arrange, expected, short };
  }),
);

/** Asked while the machine stands at that moment, which goes on when the verb is on record. */
function verbAt(
  life: LifeName,
  at: Moment,
  verb: 'abort' | 'destroy' | 'forceDestroy',
  expected: readonly End[],
  short: boolean,
): Scenario {
  const arrange = (slot: Slot, lab: FaultLab) =>
    lab.atMoment(slot.machine, at, async () => {
      const { id, instanceId } = await lab.find(slot);
      if (verb === 'abort') await lab.second.verbs.abort(id, asker);
      else if (instanceId !== null) await lab.second.verbs[verb](instanceId, asker);
    });
  const ends = verb === 'abort' ? life : 'destroy';
  const name = `${verb === 'forceDestroy' ? 'force_destroy' : verb} at ${at}`;
  return { group: 'verbs', name, life, ends, arrange, expected, short };
}

const verbs = atEachMoment((life, at, short) => [
  verbAt(life, at, 'abort', ['aborted'], short),
  verbAt(life, at, 'forceDestroy', ['not-wiped'], short),
  ...(life === 'destroy' ? [] : [verbAt(life, at, 'destroy', ['same'], short)]),
]);

export const scenarios: readonly Scenario[] = [...troubles, ...failures, ...words, ...bmcs, ...verbs];
