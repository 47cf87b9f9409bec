import { type Machine, notifyStates, type TimelineEvent } from '#core';
import { answerFileNames } from '../netinstall/answer-values.js';
import type { Evidence } from './evidence.js';

/** What the events of a network boot look like on the timeline. */

const loaderConfiguration = /^(pxelinux\.cfg\/|grub\/grub\.cfg-)/;
/** What the live image or an installer asks for first. */
const firstFiles: readonly string[] = ['create.sh', 'delete.sh', ...Object.values(answerFileNames)];
const instanceFile = /^\/boot\/instances\/[^/]+\/([^/]+)$/;
/** The image itself; what is below it tells of it. */
const imagePath = /^\/boot\/images\/[^/]+$/;

/** The firmware that asks is not what the machine's record says. */
export const bootModeDiffers = 'machine.boot-mode-differs';

export type Sign = (event: TimelineEvent) => boolean;

const pathOf = ({ data }: TimelineEvent) => (typeof data.path === 'string' ? data.path : '');
const fetched =
  (isMeant: (path: string) => boolean, kind = 'http.completed'): Sign =>
  (event) =>
    event.kind === kind && isMeant(pathOf(event));

/** One of the files that a loader starts: GRUB has them by TFTP, pxelinux by HTTP. */
export function isStartFile(paths: readonly string[], result: 'completed' | 'refused'): Sign {
  const kinds = [`http.${result}`, `tftp.${result}`];
  return (event) => kinds.includes(event.kind) && paths.includes(pathOf(event).replace(/^\//, ''));
}

function isFirstFile(path: string): boolean {
  const [, name = ''] = instanceFile.exec(path) ?? [];
  return firstFiles.includes(name);
}

function isOfLoader(path: string): boolean {
  return !loaderConfiguration.test(path) && !path.startsWith('boot/');
}

export const isDhcp: Sign = ({ kind }) => kind.startsWith('dhcp.');
export const isTftp: Sign = ({ kind }) => kind.startsWith('tftp.');
/** What a boot firmware asks; an OS gives another class, or none (RFC 4578). */
export const isFirmwareDhcp: Sign = (event) => isDhcp(event) && classOf(event).startsWith('PXEClient');
export const isSystemDhcp: Sign = (event) => isDhcp(event) && !classOf(event).startsWith('PXEClient');
/** The OS asked the metadata service who it is. */
export const isMetadata: Sign = ({ kind }) => kind === 'metadata.fetched';
export const isConfiguration = fetched((path) => loaderConfiguration.test(path), 'tftp.completed');
export const isLoader = fetched(isOfLoader, 'tftp.completed');
/** A loader tries several names of its configuration: that one is refused says nothing. */
export const isLoaderRefused = fetched(isOfLoader, 'tftp.refused');
export const isScript = fetched(isFirstFile);
export const isScriptRefused = fetched(isFirstFile, 'http.refused');
export const isImageStarted = fetched((path) => imagePath.test(path), 'http.started');
export const isImageEnded: Sign = (event) =>
  ['http.completed', 'http.aborted'].includes(event.kind) && imagePath.test(pathOf(event));

function classOf({ data }: TimelineEvent): string {
  return typeof data.vendorClass === 'string' ? data.vendorClass : '';
}

/** A word of an installer or an installed OS that was taken. */
export const isWord: Sign = ({ kind, data }) =>
  kind === 'notify.progress' ||
  kind === 'installer.log' ||
  ((kind === 'stage.changed' || kind === 'state.changed') &&
    (notifyStates.some((state) => state === data.state) || codeOf(data.error) === 'installer-failed'));

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

/** Where the machine speaks from, as far as it is known. */
export function addressesOf({ pxeIp }: Machine, events: readonly TimelineEvent[]): Set<string> {
  const seen = events
    .filter((event) => isConfiguration(event) || event.kind === 'dhcp.ack')
    .map(({ data }) => data.client ?? data.ip)
    .filter((address) => typeof address === 'string');
  return new Set(pxeIp === null ? seen : [pxeIp, ...seen]);
}

/** The last thing that the machine itself did; what its BMC or a person says is not meant. */
export function lastSignOfLife({ machine, events }: Evidence): TimelineEvent | undefined {
  const addresses = addressesOf(machine, events);
  const isOwn: Sign = (event) => {
    if (event.kind === 'notify.refused') return addresses.has(String(event.data.client));
    return /^((dhcp|tftp|http|metadata)\.|console\.output$)/.test(event.kind) || isWord(event);
  };
  return events.findLast(isOwn);
}
