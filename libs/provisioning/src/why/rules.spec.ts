import { describe, expect, it } from 'vitest';
import type { Image, Instance, Machine, TimelineEvent } from '#core';
import type { Evidence } from './evidence.js';
import { explain } from './explain.js';
import { sshAwaited } from '../steps/await-os-step.js';
import { failedStepOf } from './installer-words.js';
import { whyRules } from './rules/index.js';
import { quietMs } from './rules/installing.js';
import { whyTested } from '../../../../test/support/why-tested.js';

const begun = new Date('2026-01-31T12:00:00Z');
const later = (ms: number) => new Date(begun.getTime() + ms);

let ids = 0;
const event = (kind: string, data: Record<string, unknown> = {}, at = later(1000)): TimelineEvent => ({
  id: String(++ids),
  at,
  kind,
  machineId: 'm',
  instanceId: 'i',
  message: `${kind} ${JSON.stringify(data)}`,
  data,
});

const machine = {
  id: 'm',
  name: 'm1',
  state: 'installing',
  stage: 'booting',
  stateSince: begun,
  stageSince: begun,
  attempt: 1,
  retryAt: null,
  awaits: 'the live image',
  awaitsUntil: later(900_000),
  lastError: null,
  power: 'on',
  powerOrder: null,
  bmcFault: null,
  maintenance: null,
  locked: null,
  pxeMac: '52:54:00:00:00:01',
  pxeIp: '10.0.0.1',
  progressMessage: null,
} as Machine; // the rest is nothing that a rule looks at

function evidence(events: TimelineEvent[], over: Partial<Evidence> = {}): Evidence {
  return {
    machine,
    instance: null,
    image: null,
    site: { dhcp: 'full', publicUrl: 'http://controller' },
    now: later(5000),
    standing: 'working',
    work: 'installing',
    stage: 'booting',
    stageSince: begun,
    error: null,
    began: null,
    events,
    inStage: events,
    afterwards: [],
    ...over,
  };
}

const told = (...given: Parameters<typeof evidence>) =>
  explain(evidence(...given)).findings.map(({ rule }) => rule);

const kernel = event('http.completed', { path: '/boot/live/vmlinuz' });
const configuration = event('tftp.completed', { path: 'pxelinux.cfg/01-52-54-00-00-00-01' });
const expired = { code: 'deadline-expired', message: 'in vain', at: later(9000).toISOString() };

describe('the rules', () => {
  it('have ids of their own, and each a test that makes its thing happen', () => {
    const ids = whyRules.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(Object.keys(whyTested).sort()).toEqual([...ids].sort());
  });

  it('say what they mean and what to check, in sentences', () => {
    for (const { means, check } of whyRules)
      for (const text of [means, ...check]) expect(text).toMatch(/^[A-Z`].*[.?]$/);
  });
});

describe('of what is missing', () => {
  it('the furthest that the machine came counts, though what is before was not seen', () => {
    expect(told([kernel])).toEqual(['kernel-no-live-image']);
    expect(told([kernel, configuration])).toEqual(['kernel-no-live-image']);
  });

  it('what was refused is told before what did not come', () => {
    const refusal = event('http.refused', { path: '/boot/live/vmlinuz' });
    expect(told([configuration, refusal])).toEqual(['live-image-missing']);
  });

  it('that no DHCP request came is told only where they come to us', () => {
    expect(told([])).toEqual(['no-dhcp-request']);
    expect(told([], { site: { dhcp: 'off', publicUrl: '' } })).toEqual(['nothing-seen']);
  });

  it('the same is told after the deadline, though the machine has another state by then', () => {
    const failed = { ...machine, state: 'install_failed', stage: null, awaits: null } as const;
    const over = { machine: failed, standing: 'failed', error: expired } as const;
    expect(told([event('wait.began'), kernel], over)).toEqual(['kernel-no-live-image']);
  });

  it('nothing is told when the BMC had not switched the machine on yet', () => {
    const machineAtOnce = { ...machine, awaits: null };
    expect(told([], { machine: machineAtOnce })).toEqual(['bmc-at-work']);
    const failed = event('bmc.command', { verb: 'on', result: 'failed', code: 'bmc-no-answer' });
    expect(told([failed], { machine: machineAtOnce })).toEqual(['bmc-unreachable']);
  });

  it('a BMC that fails while the machine boots is no cause', () => {
    const failed = event('bmc.command', { verb: 'status', result: 'failed', code: 'bmc-no-answer' });
    expect(told([kernel, failed])).toEqual(['kernel-no-live-image']);
  });
});

describe('of what is started from the files of an image', () => {
  const tree = { id: 'im', install: { kernel: 'linux', initrd: 'initrd.gz', kernelArguments: '' } };
  const image = (install: object) => ({ ...tree, install: { ...tree.install, ...install } }) as Image;
  const fetched = (path: string, by = 'http') => event(`${by}.completed`, { path });
  const linux = fetched('/boot/images/im/tree/linux');
  const initrd = fetched('boot/images/im/tree/initrd.gz', 'tftp');

  describe('by netinstall', () => {
    const netinstall: Partial<Evidence> = {
      instance: { installMethod: 'netinstall' } as Instance,
      image: image({ method: 'netinstall', answerFile: { format: 'kickstart', text: null } }),
    };
    const findings = (...seen: TimelineEvent[]) => explain(evidence(seen, netinstall)).findings;

    it('its kernel, its initrd and its answers are looked for, not those of the live image', () => {
      expect(findings(configuration)).toMatchObject([
        { rule: 'configuration-no-kernel', missing: expect.stringContaining('/boot/images/im/tree/linux') },
      ]);
      expect(findings(configuration, linux)).toMatchObject([{ rule: 'kernel-no-live-image' }]);
      expect(findings(linux, initrd)).toMatchObject([
        {
          rule: 'live-image-without-network',
          says: expect.stringMatching(/distribution's installer never asked for kickstart\.cfg/),
        },
      ]);
      const answers = fetched('/boot/instances/i/kickstart.cfg');
      expect(findings(linux, initrd, answers)).toMatchObject([
        {
          rule: 'script-silent',
          says: expect.stringContaining("the distribution's installer never said install"),
        },
      ]);
    });

    it('what the controller could not give it is told', () => {
      const refusal = event('http.refused', { path: '/boot/images/im/tree/linux' });
      expect(findings(configuration, refusal)).toMatchObject([
        { rule: 'live-image-missing', missing: expect.stringContaining('installer') },
      ]);
    });
  });

  describe('to run in memory', () => {
    const live: Partial<Evidence> = {
      stage: 'starting',
      machine: { ...machine, stage: 'starting' },
      instance: { installMethod: 'live' } as Instance,
      image: image({ method: 'live' }),
    };
    const rulesOf = (...seen: TimelineEvent[]) => told(seen, live);

    it('it is followed from power on to its metadata', () => {
      expect(rulesOf()).toEqual(['no-dhcp-request']);
      expect(rulesOf(configuration)).toEqual(['configuration-no-kernel']);
      expect(rulesOf(linux)).toEqual(['kernel-no-live-image']);
      expect(rulesOf(linux, initrd)).toEqual(['live-image-without-network']);
      expect(rulesOf(linux, initrd, event('metadata.fetched'))).toEqual(['came-up-never-installed']);
    });

    it('one that is awaited on SSH need not ask for metadata', () => {
      const began = event('wait.began', { awaits: `${sshAwaited} at 10.0.0.1` });
      expect(rulesOf(began, linux)).toEqual(['kernel-no-live-image']);
      expect(rulesOf(began, linux, initrd)).toEqual(['no-answer-on-ssh']);
    });
  });
});

describe('of an installation', () => {
  const installing = { stage: 'install', machine: { ...machine, stage: 'install' } } as const;
  const started = event('http.started', { path: '/boot/images/x' });
  const word = event('notify.progress', { state: 'install', progress: 5 });

  it('one that spoke just now is at work', () => {
    expect(told([started, word], installing)).toEqual(['installer-at-work']);
  });

  it('one that is quiet has stalled in its transfer, or elsewhere', () => {
    const now = later(1000 + quietMs + 1);
    expect(told([started, word], { ...installing, now })).toEqual(['image-stalled']);
    const ended = event('http.completed', { path: '/boot/images/x' });
    expect(told([started, ended, word], { ...installing, now })).toEqual(['installer-silent']);
    const list = event('http.completed', { path: '/boot/images/x/chunks' });
    expect(told([started, list, word], { ...installing, now })).toEqual(['image-stalled']);
  });

  it('what the installer says itself comes first', () => {
    const message = 'm1: step 6/17 stream image: the image that came has SHA-256 ab, expected cd';
    const error = { code: 'installer-failed', message, at: begun.toISOString() };
    expect(failedStepOf(error)).toMatchObject({ step: 'stream image' });
    expect(told([started], { ...installing, standing: 'failed', error })).toEqual(['checksum-wrong']);
  });
});

it('the same thing again and again is one fact, with the last time', () => {
  const again = { ...configuration, id: String(++ids), at: later(4000) };
  const { findings, lastSeen } = explain(evidence([configuration, again]));
  expect(findings[0]?.evidence).toEqual([{ at: again.at, what: `${configuration.message} (2 times)` }]);
  expect(lastSeen?.at).toEqual(again.at);
});
