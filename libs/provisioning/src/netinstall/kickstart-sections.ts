/** As the documentation of pykickstart has them. */
const sections = new Set([
  'pre',
  'pre-install',
  'post',
  'onerror',
  'traceback',
  'packages',
  'addon',
  'anaconda',
  'certificate',
]);
const lines = new Set(['include', 'ksappend']);

/**
 * That the sections of a kickstart file begin and end as they should: the fault that is made most, and all that can be said without
 * pykickstart, whose ksvalidator is in no package of Debian 12.
 */
export function kickstartFaults(text: string): { line: number; message: string }[] {
  const faults: { line: number; message: string }[] = [];
  let open: { name: string; line: number } | null = null;
  for (const [index, each] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    const [, name] = /^%([a-z-]+)/.exec(each) ?? [];
    if (name === undefined || lines.has(name)) continue;
    if (name === 'end') {
      if (!open) faults.push({ line, message: '%end ends no section' });
      open = null;
    } else if (open?.name !== 'packages' && !sections.has(name)) {
      if (!open) faults.push({ line, message: `there is no section %${name}` });
    } else if (sections.has(name)) {
      if (open) faults.push({ line: open.line, message: `%${open.name} has no %end before %${name}` });
      open = { name, line };
    }
  }
  if (open) faults.push({ line: open.line, message: `%${open.name} has no %end` });
  return faults;
}
