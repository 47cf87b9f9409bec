import type { whyRules } from '#provisioning';
import { expect } from 'vitest';

/** Where each rule is made to apply by the very thing that it is about; each of these tests holds its part of the table true. */
type Place = 'simulated rack' | 'DHCP segment' | 'installer scripts' | 'engine';
export type RuleId = (typeof whyRules)[number]['id'];

export const whyTested: Record<RuleId, Place> = {
  aborted: 'engine',
  'given-up-by-force': 'engine',
  'waiting-for-next-try': 'engine',
  'hand-over-not-taken': 'engine',
  'bmc-unreachable': 'simulated rack',
  'bmc-refuses': 'simulated rack',
  'power-does-not-follow': 'simulated rack',
  'checksum-wrong': 'installer scripts',
  'image-broken-off': 'installer scripts',
  'disk-write-failed': 'installer scripts',
  'disk-export-failed': 'installer scripts',
  'no-suitable-disk': 'installer scripts',
  'boot-loader-failed': 'installer scripts',
  'secure-erase-impossible': 'installer scripts',
  'disk-cannot-discard': 'installer scripts',
  'wipe-failed': 'installer scripts',
  'operator-failed': 'engine',
  'installer-failed': 'installer scripts',
  'script-refused': 'simulated rack',
  'live-image-missing': 'simulated rack',
  'tftp-broken-off': 'simulated rack',
  'boots-disk-instead': 'DHCP segment',
  'dhcp-not-answered': 'DHCP segment',
  'no-dhcp-request': 'DHCP segment',
  'nothing-seen': 'simulated rack',
  'dhcp-no-tftp': 'DHCP segment',
  'loader-no-configuration': 'simulated rack',
  'configuration-no-kernel': 'simulated rack',
  'kernel-no-live-image': 'simulated rack',
  'live-image-without-network': 'simulated rack',
  'script-silent': 'simulated rack',
  'restarted-while-installing': 'simulated rack',
  'image-stalled': 'simulated rack',
  'installer-silent': 'simulated rack',
  'installer-at-work': 'simulated rack',
  'boots-network-again': 'simulated rack',
  'no-answer-on-ssh': 'engine',
  'metadata-never-asked': 'engine',
  'came-up-never-installed': 'simulated rack',
  'nothing-since-first-boot': 'simulated rack',
  'owner-not-taken-yet': 'engine',
  'person-called': 'engine',
  'power-order-in-hand': 'engine',
  'bmc-at-work': 'engine',
  'not-checked': 'engine',
  free: 'engine',
  stopped: 'engine',
  'in-pool': 'engine',
  'in-use': 'engine',
  unexplained: 'engine',
  'boot-mode-differs': 'DHCP segment',
  'console-error': 'engine',
  'heard-since': 'simulated rack',
  'notify-refused': 'simulated rack',
  'soft-off-ignored': 'simulated rack',
  'earlier-try': 'engine',
  'power-drift': 'engine',
  'in-maintenance': 'engine',
  locked: 'engine',
};

/** Which rules a test has seen apply; in the end they are to be those of its place in the table. */
export class Seen {
  private readonly rules = new Set<string>();

  constructor(private readonly place: Place) {}

  add(rule: RuleId): void {
    this.rules.add(rule);
  }

  /** The last test of a file. */
  expectAll(): void {
    const meant = Object.entries(whyTested).flatMap(([rule, place]) => (place === this.place ? [rule] : []));
    expect(meant.filter((rule) => !this.rules.has(rule))).toEqual([]);
  }
}
