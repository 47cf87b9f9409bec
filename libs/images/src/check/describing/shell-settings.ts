/** Settings as files for a shell have them: `NAME=value`, `NAME="… $OTHER …"`, `NAME+=…`; later ones replace earlier ones. */
export function shellSettings(
  text: string,
  known: ReadonlyMap<string, string> = new Map(),
): Map<string, string> {
  const settings = new Map(known);
  for (const [, name = '', append, raw = ''] of text.matchAll(assignment)) {
    const value = unquoted(raw, settings);
    settings.set(name, append ? `${settings.get(name) ?? ''}${value}` : value);
  }
  return settings;
}

const assignment = /^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)(\+?)=("(?:[^"\\]|\\.)*"|'[^']*'|[^\s#;]*)/gm;

const longest = 4096;

function unquoted(raw: string, settings: ReadonlyMap<string, string>): string {
  if (raw.startsWith("'")) return raw.slice(1, -1);
  const text = raw.startsWith('"') ? raw.slice(1, -1) : raw;
  const expanded = text.replace(
    /\\(.)|\$\{?([A-Za-z_]\w*)\}?/gs,
    (_all, escaped: string | undefined, name: string) => escaped ?? settings.get(name) ?? '',
  );
  return expanded.slice(0, longest);
}
