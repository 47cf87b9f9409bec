import { readdir, readFile } from 'node:fs/promises';
import { execa } from 'execa';

const gib = 1024 ** 3;

export interface Serving {
  megabytesPerSecond: number;
  cpuSecondsPerGib: number;
}

/** So many clients fetch the same file at the same moment, `times` after one another; the CPU is that of the server. */
export async function serve(
  url: string,
  { pid, clients, times, bytes }: { pid: number; clients: number; times: number; bytes: number },
): Promise<Serving> {
  const before = await cpuSeconds(pid);
  const beganMs = performance.now();
  const outputs = Array.from({ length: times }, () => ['--output', '/dev/null', url]).flat();
  const client = ['curl', '--silent', '--fail', '--location', ...outputs];
  // Started by a program that is none of the server's: to start them costs CPU, too.
  const input = Array.from({ length: clients }, (_, number) => `${number}\n`).join('');
  await execa('setsid', ['--fork', '--wait', 'xargs', '-P', String(clients), '-I', 'N', ...client], {
    input,
  });
  const seconds = (performance.now() - beganMs) / 1000;
  const served = clients * times * bytes;
  return {
    megabytesPerSecond: served / 1e6 / seconds,
    cpuSecondsPerGib: ((await cpuSeconds(pid)) - before) / (served / gib),
  };
}

/** Of a process and of those it started (proc(5): utime and stime, at 100 ticks a second). */
async function cpuSeconds(pid: number): Promise<number> {
  const all = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(all.map((name) => readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')));
  const fields = stats
    .filter(Boolean)
    .map((stat) => [stat.split(' ')[0], ...(stat.split(') ')[1] ?? '').split(' ')]);
  const mine = fields.filter(([own, , parent]) => own === String(pid) || parent === String(pid));
  return mine.reduce((sum, each) => sum + (Number(each[12]) + Number(each[13])) / 100, 0);
}
