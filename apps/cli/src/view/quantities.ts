const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

/** `42s`, `3m05s`, `2h10m`, `5d3h`: two units at most. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const pad = (value: number) => String(value).padStart(2, '0');
  if (whole < minute) return `${whole}s`;
  if (whole < hour) return `${Math.floor(whole / minute)}m${pad(whole % minute)}s`;
  if (whole < day) return `${Math.floor(whole / hour)}h${pad(Math.floor((whole % hour) / minute))}m`;
  return `${Math.floor(whole / day)}d${Math.floor((whole % day) / hour)}h`;
}

export function secondsSince(at: string | Date, now: Date): number {
  return (now.getTime() - new Date(at).getTime()) / 1000;
}

/** `42s ago`; a clock that is a little ahead of ours is still now. */
export function age(at: string | null, now: Date): string {
  if (at === null) return '-';
  const seconds = secondsSince(at, now);
  return seconds < 1 ? 'just now' : `${duration(seconds)} ago`;
}

const units = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Decimal units with three digits that mean something: `164 MB`, `1.25 GB`. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** MiB as the sizes of partitions and memory are given. */
export function mebibytes(count: number): string {
  return count % 1024 === 0 && count > 0 ? `${count / 1024} GiB` : `${count} MiB`;
}

/** `2026-01-31 12:00:00` in the local time of the reader. */
export function localTime(at: string): string {
  const time = new Date(at);
  const pad = (value: number) => String(value).padStart(2, '0');
  const date = [time.getFullYear(), pad(time.getMonth() + 1), pad(time.getDate())].join('-');
  return `${date} ${[time.getHours(), time.getMinutes(), time.getSeconds()].map(pad).join(':')}`;
}

/** `█████░░░░░` */
export function bar(fraction: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, fraction)) * width);
  return '█'.repeat(filled) + '░'.repeat(width - filled);
}
