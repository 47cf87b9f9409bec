import {
  type Document,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type ScalarTag,
  type Tags,
  visit,
} from 'yaml';

export interface Place {
  line: number;
  column: number;
}

export type Path = (string | number)[];

/** Aliases may be followed so often: a few lines could otherwise become gigabytes. */
const aliasLimit = 1000;

/** What PyYAML refuses wherever it stands. */
// eslint-disable-next-line no-control-regex
const unprintable = /[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ud800-\udfff\ue000-\ufffd]/;

const pyYamlBooleans: Record<string, RegExp> = {
  true: /^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/,
  false: /^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/,
};
const pyYamlExponent = /^[-+]?[0-9][0-9_]*\.[0-9_]*[eE][-+][0-9]+$/;

/** YAML 1.1 as PyYAML has it, which cloud-init reads with: y and n are text, and so is 1e3. */
function likePyYaml(tags: Tags): Tags {
  return tags.map((tag) => {
    if (typeof tag === 'string' || tag.tag === undefined) return tag;
    const scalar = tag as ScalarTag;
    if (scalar.tag.endsWith(':bool') && scalar.test)
      return { ...scalar, test: pyYamlBooleans[String(scalar.test.test('true'))] };
    if (scalar.tag.endsWith(':float') && scalar.format === 'EXP') return { ...scalar, test: pyYamlExponent };
    return tag;
  });
}

/** A text of YAML that can tell where each of its values stands. */
export class YamlText {
  private readonly lines = new LineCounter();
  private readonly document: Document.Parsed;

  constructor(private readonly text: string) {
    this.document = parseDocument(text, {
      version: '1.1',
      customTags: likePyYaml,
      lineCounter: this.lines,
      uniqueKeys: false,
      prettyErrors: false,
    });
  }

  /** Why it is no YAML that cloud-init reads. */
  faults(): (Place & { message: string })[] {
    const control = unprintable.exec(this.text);
    if (control) {
      const code = control[0].charCodeAt(0).toString(16).padStart(4, '0');
      return [
        {
          ...this.placeAt(control.index),
          message: `has the control character U+${code}, which YAML forbids`,
        },
      ];
    }
    const { errors, warnings } = this.document;
    const told = [...errors, ...warnings].map(({ pos, message }) => ({ ...this.placeAt(pos[0]), message }));
    return told.length > 0 ? told : this.danglingAliases();
  }

  /** Throws an Error when it grows beyond all measure. */
  value(): unknown {
    return this.document.toJS({ maxAliasCount: aliasLimit });
  }

  /** Of a value, or of the key that leads to it, as of all that goes over lines; of what is nearest around it when it comes from elsewhere. */
  placeOf(path: Path, what: 'key' | 'value'): Place {
    for (let length = path.length; length > 0; length -= 1) {
      const found = this.nodeAt(path.slice(0, length), length === path.length ? what : 'value');
      if (found?.range) return this.placeAt(found.range[0]);
    }
    return this.placeAt(this.document.contents?.range[0] ?? 0);
  }

  /** Keys that stand twice in a map: the last one counts, and the others are lost without a word. */
  repeatedKeys(): (Place & { key: string })[] {
    const repeated: (Place & { key: string })[] = [];
    visit(this.document, {
      Map: (_, map) => {
        const seen = new Set<string>();
        for (const { key } of map.items) {
          if (!isScalar(key) || key.value === '<<') continue;
          const name = String(key.value);
          if (seen.has(name)) repeated.push({ key: name, ...this.placeAt(key.range?.[0] ?? 0) });
          seen.add(name);
        }
      },
    });
    return repeated;
  }

  private danglingAliases(): (Place & { message: string })[] {
    const dangling: (Place & { message: string })[] = [];
    visit(this.document, {
      Alias: (_, alias) => {
        if (alias.resolve(this.document) !== undefined) return;
        dangling.push({
          ...this.placeAt(alias.range?.[0] ?? 0),
          message: `*${alias.source} stands for nothing`,
        });
      },
    });
    return dangling;
  }

  private nodeAt(path: Path, what: 'key' | 'value'): Node | undefined {
    const value = this.document.getIn(path, true);
    const parent = path.length === 1 ? this.document.contents : this.document.getIn(path.slice(0, -1), true);
    const key = isMap(parent) ? parent.items.find((pair) => isKey(pair, path.at(-1)))?.key : undefined;
    const isKeyClearer = what === 'key' || isCollection(value) || !isNode(value);
    if (isKeyClearer && isNode(key)) return key;
    return isNode(value) ? value : undefined;
  }

  private placeAt(offset: number): Place {
    const { line, col } = this.lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }
}

function isKey(pair: Pair, name: string | number | undefined): boolean {
  return isPair(pair) && isScalar(pair.key) && String(pair.key.value) === String(name);
}

/** `users[0].name`. */
export function pathInWords(path: Path): string | null {
  const words = path.map((each) => (typeof each === 'number' ? `[${each}]` : `.${each}`));
  return path.length === 0 ? null : words.join('').replace(/^\./, '');
}
