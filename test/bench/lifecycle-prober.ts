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

const pauseMs = 50;
const spawnEvery = 10;

const task = JSON.parse(process.argv[2] ?? '') as ProberTask;
const probed: Probed = { list: [], get: [], spawn: [] };
let isOver = false;
process.stdin.resume().once('end', () => {
  isOver = true;
});

async function ask(kind: keyof Probed, method: string, path: string, asked?: object): Promise<void> {
  const headers = { authorization: `Bearer ${task.token}`, 'content-type': 'application/json' };
  const body = asked && JSON.stringify(asked);
  const startedMs = performance.now();
  const response = await fetch(task.url + path, { method, headers, body });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
  probed[kind].push(performance.now() - startedMs);
}

for (let round = 0; !isOver; round++) {
  await ask('list', 'GET', '/v1/machines?limit=100');
  await ask('get', 'GET', `/v1/machines/${task.machine}`);
  const machine = round % spawnEvery === 0 ? task.spares.pop() : undefined;
  const { image, instanceType } = task;
  if (machine !== undefined)
    await ask('spawn', 'POST', '/v1/instances', { hostName: machine, image, instanceType, machine });
  await sleep(pauseMs);
}
console.log(JSON.stringify(probed));
