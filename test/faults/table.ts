/** One thing that was done, and what came of it. */
export interface Row {
  group: string;
  name: string;
  /** `same`: as without the fault; else the reason of the failed state, from which a retry led to that end. */
  end: string;
  seconds: number;
  /** What should not be; empty: survived. */
  faults: string[];
}

/** The rows of each group with the same end in one line, as Markdown. */
export function summary(rows: readonly Row[]): string {
  const groups = [...new Set(rows.map(({ group }) => group))];
  const lines = groups.map((group) => {
    const members = rows.filter((row) => row.group === group);
    const same = members.filter(({ end }) => end === 'same').length;
    const survived = members.filter(({ faults }) => faults.length === 0).length;
    const slowest = Math.max(...members.map(({ seconds }) => seconds)).toFixed(1);
    return `| ${group} | ${members.length} | ${same} | ${members.length - same} | ${survived} | ${slowest} s |`;
  });
  return [
    '| what | done | same end | failed with its reason, then mended | survived | slowest |',
    '| --- | ---: | ---: | ---: | ---: | ---: |',
    ...lines,
  ].join('\n');
}

/** One line for each thing that was done. */
export function table(rows: readonly Row[]): string {
  const lines = rows.map(({ group, name, end, seconds, faults }) => {
    const verdict = faults.length === 0 ? 'survived' : faults.join('; ');
    return `| ${group} | ${name} | ${end} | ${seconds.toFixed(1)} s | ${verdict} |`;
  });
  return ['| what | done | end | took | |', '| --- | --- | --- | ---: | --- |', ...lines].join('\n');
}
