import type { InstanceView } from '#contract';
import { operatorCallText } from '../view/operator-call.js';
import type { Palette, Tone } from '../view/palette.js';
import { bar, duration, secondsSince } from '../view/quantities.js';
import type { StageLine, WorkTimeline } from './work-timeline.js';

export interface Picture {
  instance: InstanceView;
  timeline: WorkTimeline;
  now: Date;
  /** Which picture of the spinner; not given: nothing moves. */
  frame?: number;
  /** Something about the connection that the reader should know. */
  notice?: string | null;
}

const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const marks: Record<StageLine['kind'], [mark: string, tone: Tone]> = {
  done: ['✔', 'good'],
  running: ['●', 'busy'],
  failed: ['✖', 'bad'],
  skipped: ['-', 'faint'],
  ahead: ['·', 'faint'],
};

function secondsOf({ from, to }: StageLine, now: Date): string {
  return from ? duration(secondsSince(from, to ?? now)) : '';
}

function lineText(line: StageLine, picture: Picture, palette: Palette): string {
  const [mark, tone] = marks[line.kind];
  const isRunning = line.kind === 'running';
  const moving = isRunning && picture.frame !== undefined && spinner[picture.frame % spinner.length];
  const name = line.stage.padEnd(15);
  const text = [
    `  ${palette.paint(tone, moving || mark)}`,
    isRunning ? palette.paint('strong', name) : palette.paint(line.from ? 'plain' : 'faint', name),
    secondsOf(line, picture.now).padStart(6),
  ].join(' ');
  return isRunning ? `${text}  ${progressText(picture.instance, palette)}`.trimEnd() : text.trimEnd();
}

/** What the installer said last: how far it is and what it does. */
function progressText({ installation }: InstanceView, palette: Palette): string {
  if (!installation) return '';
  const { progress, message } = installation;
  const percent =
    progress === null ? [] : [palette.paint('busy', bar(progress / 100, 24)), `${Math.round(progress)} %`];
  return [...percent, message ?? ''].join('  ');
}

function heading({ instance, timeline, now }: Picture, palette: Palette): string {
  const where = instance.machine ? ` on ${instance.machine.name}` : '';
  const total = timeline.startedAt
    ? `, ${duration(secondsSince(timeline.startedAt, timeline.endedAt ?? now))}`
    : '';
  const attempt = instance.installation?.attempt ?? 1;
  const again = attempt > 1 ? `, try ${attempt}` : '';
  return `${palette.paint('strong', instance.hostName)}${where}: ${timeline.work}${again}${total}`;
}

/** What is awaited, or when the next try begins. */
function awaited({ installation }: InstanceView, now: Date): string | null {
  const pause = installation?.retryAt ? -secondsSince(installation.retryAt, now) : 0;
  if (pause > 0) return `  It failed; the next try begins in ${duration(pause)}`;
  if (!installation?.awaits) return null;
  const left = installation.awaitsUntil && -secondsSince(installation.awaitsUntil, now);
  return `  Awaits ${installation.awaits}${left ? `, for ${duration(left)} more` : ''}`;
}

/** The stages of the present work under each other, with the seconds each took. */
export function stageBar(picture: Picture, palette: Palette): string {
  const { instance, timeline, now, notice } = picture;
  const call = operatorCallText(instance)?.replace(/^/gm, '  ');
  const below = timeline.endedAt ? [] : [awaited(instance, now), call, notice && `  ${notice}`];
  return [
    heading(picture, palette),
    ...timeline.lines().map((line) => lineText(line, picture, palette)),
    ...below.filter((text) => typeof text === 'string').map((text) => palette.paint('faint', text)),
  ].join('\n');
}
