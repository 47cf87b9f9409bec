/**
 * Asks the API while machines are installed, in a process of its own so that nobody's work but the controller's makes it wait.
 * Argument: the task, as JSON. It ends when its standard input does, and then prints what it has measured, as JSON.
 */
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProberTask {
  url: string;
  token: string;
  /** A machine to look at. */
  machine: string;
  /** One instance after the other is spawned on these. */
  spares: string[];
  image: string;
  instanceType: string;
}

/** Milliseconds by what was asked. */
export type Probed = Record<'list' | 'get' | 'spawn', number[]>;

const readEveryMs = 100;
const spawnEveryMs = 5000;

const task = JSON.parse(process.argv[2] ?? '') as ProberTask;
const probed: Probed = { list: [], get: [], spawn: [] };
let isOver = false;
process.stdin.resume().once('end', () => {
  isOver = true;
});

async function ask(method: string, path: string, asked?: object): Promise<void> {
  const headers = { authorization: `Bearer ${task.token}`, 'content-type': 'application/json' };
  const body = asked && JSON.stringify(asked);
  const response = await fetch(task.url + path, { method, headers, body });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
}

/** Asks at fixed times. One that has to wait for the answer to the one before counts from when it was due: a client waits so long. */
async function probe(
  kind: keyof Probed,
  everyMs: number,
  act: () => Promise<void> | undefined,
): Promise<void> {
  for (let dueMs = performance.now(); !isOver; dueMs += everyMs) {
    await sleep(Math.max(0, dueMs - performance.now()));
    const answer = act();
    if (!answer) return;
    await answer;
    probed[kind].push(performance.now() - dueMs);
  }
}

function spawnOne(): Promise<void> | undefined {
  const machine = task.spares.pop();
  const { image, instanceType } = task;
  return machine === undefined
    ? undefined
    : ask('POST', '/v1/instances', { hostName: machine, image, instanceType, machine });
}

await Promise.all([
  probe('list', readEveryMs, () => ask('GET', '/v1/machines?limit=100')),
  probe('get', readEveryMs, () => ask('GET', `/v1/machines/${task.machine}`)),
  probe('spawn', spawnEveryMs, spawnOne),
]);
console.log(JSON.stringify(probed));
