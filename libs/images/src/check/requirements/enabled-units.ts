import type { ImageContents } from '../reading/image-contents.js';

const wishes = /\.(wants|requires)$/;
const trees = ['/etc/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system'];
const runLevels = ['/etc/rc2.d', '/etc/rc3.d', '/etc/rc5.d', '/etc/rc.d/rc3.d'];

/** The units of systemd that something pulls in at boot, and scripts of System V (`ssh.service` for S01ssh). */
export async function enabledUnits(contents: ImageContents): Promise<Set<string>> {
  const units: string[] = [];
  for (const tree of trees) {
    const targets = (await contents.list(tree)).filter((name) => wishes.test(name));
    for (const target of targets) units.push(...(await contents.list(`${tree}/${target}`)));
  }
  for (const level of runLevels) {
    const started = (await contents.list(level)).map((name) => /^S\d\d(.+)$/.exec(name)?.[1]);
    units.push(...started.flatMap((name) => (name === undefined ? [] : [`${name}.service`])));
  }
  return new Set(units);
}
