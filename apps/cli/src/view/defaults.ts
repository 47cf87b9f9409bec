import type { ConfigurationDefaultsView } from '#contract';
import { configurationFacts } from './configuration.js';
import type { Palette } from './palette.js';
import { localTime } from './quantities.js';
import { columns, facts } from './table.js';

export function defaultsDetails({
  scope,
  name,
  updatedAt,
  updatedBy,
  ...given
}: ConfigurationDefaultsView): string {
  return facts([
    ['Of the', `${scope} ${name}`],
    ...configurationFacts(given),
    ['Changed', `${localTime(updatedAt)} by ${updatedBy}`],
  ]);
}

/** Which fields are given; the values are in the details. */
export function defaultsTable(all: ConfigurationDefaultsView[], palette: Palette): string {
  if (all.length === 0) return 'No defaults. Set some with: dodai defaults set --help\n';
  return columns(
    ['SCOPE', 'NAME', 'GIVES', 'CHANGED'].map((heading) => palette.paint('strong', heading)),
    all.map(({ scope, name, updatedAt, updatedBy: _by, hasPassword, ...given }) => [
      scope,
      name,
      [...Object.keys(given), ...(hasPassword ? ['password'] : [])].join(', '),
      localTime(updatedAt),
    ]),
  );
}
