import type { ImageLimits, ProcessRunner, StreamingProcesses } from '#platform';
import type { Room } from './room.js';

/** What images are taken in with. */
export interface Tools {
  processes: StreamingProcesses;
  runner: ProcessRunner;
  limits: ImageLimits;
  room: Room;
}
