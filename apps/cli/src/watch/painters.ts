import type { CliIo } from '../cli-io.js';
import type { Output } from '../output.js';
import { liveRegion } from '../view/live-region.js';
import { operatorCallText } from '../view/operator-call.js';
import { duration, localTime, secondsSince } from '../view/quantities.js';
import { type Picture, stageBar } from './stage-bar.js';

/** Shows how an installation or deletion goes on. */
export interface Painter {
  /** Something changed. */
  changed(picture: Picture): void;
  /** Time went by; only for pictures that show it. */
  ticked?: (picture: Picture) => void;
  close(picture: Picture): void;
}

/** The moving picture on a terminal. */
function livePainter(output: Output, io: CliIo): Painter {
  const region = liveRegion(io.stdout);
  let frame = 0;
  const paint = (picture: Picture) => region.show(stageBar({ ...picture, frame }, output.palette));
  return {
    changed: paint,
    ticked: (picture) => {
      frame += 1;
      paint(picture);
    },
    close: (picture) => {
      region.show(stageBar(picture, output.palette));
      region.keep();
    },
  };
}

const percentStep = 10;

/** For logs and pipes: one line for each stage, and one for every ten percent. */
function linePainter(output: Output): Painter {
  let lastStage: string | null = null;
  let lastStep = 0;
  let lastCall: string | undefined;
  const call = ({ instance }: Picture) => {
    const since = instance.operatorCall?.since;
    if (since === lastCall) return;
    lastCall = since;
    const text = operatorCallText(instance);
    if (text !== null) output.item(instance, () => text);
  };
  const say = ({ instance, timeline, now }: Picture) => {
    const stage = timeline.present;
    const step = Math.floor((instance.installation?.progress ?? 0) / percentStep) * percentStep;
    if (stage === null || timeline.endedAt || (stage === lastStage && step <= lastStep)) return;
    lastStage = stage;
    lastStep = step;
    const message = instance.installation?.message ?? '';
    const total = timeline.startedAt ? duration(secondsSince(timeline.startedAt, now)) : '';
    const percent = step > 0 ? `${step} %` : '';
    const line = [
      localTime(now.toISOString()),
      total.padStart(6),
      stage.padEnd(15),
      percent.padEnd(5),
      message,
    ];
    output.item(instance, () => line.join('  ').trimEnd());
  };
  return {
    changed: (picture) => {
      say(picture);
      call(picture);
    },
    close: (picture) => output.item(picture.instance, (palette) => stageBar(picture, palette)),
  };
}

/** One JSON line for each change. */
function jsonPainter(output: Output): Painter {
  let last = '';
  const say = ({ instance }: Picture) => {
    const line = JSON.stringify({ ...instance, power: null });
    if (line !== last) output.item(instance, () => '');
    last = line;
  };
  return { changed: say, close: say };
}

export const silentPainter: Painter = { changed: () => {}, close: () => {} };

export function painterFor(output: Output, io: CliIo): Painter {
  if (output.json) return jsonPainter(output);
  return output.isLive ? livePainter(output, io) : linePainter(output);
}
