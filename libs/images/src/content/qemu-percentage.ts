/** What qemu-img prints with -p, again and again: `    (12.50/100%)\r`. */
export const percentage = /\((\d+(?:\.\d+)?)\/100%\)/g;

/** The last of several percentages counts; undefined: there is none in what was printed. */
export function lastPercent(printed: string): number | undefined {
  const percent = [...printed.matchAll(percentage)].at(-1)?.[1];
  return percent === undefined ? undefined : Number(percent);
}
