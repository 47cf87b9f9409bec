import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];
export type Tone = 'good' | 'bad' | 'busy' | 'faint' | 'strong' | 'plain';

const styles: Record<Exclude<Tone, 'plain'>, Style> = {
  good: 'green',
  bad: 'red',
  busy: 'yellow',
  faint: 'gray',
  strong: 'bold',
};

/** Colours by meaning; none when the output is no terminal or the user does not want any. */
export class Palette {
  constructor(private readonly colored: boolean) {}

  paint(tone: Tone, text: string): string {
    if (!this.colored || tone === 'plain') return text;
    return styleText(styles[tone], text, { validateStream: false });
  }
}

interface ColorFacts {
  isTTY: boolean;
  wanted: boolean;
  env: Record<string, string | undefined>;
}

/** https://no-color.org and its opposite. */
export function wantsColor({ isTTY, wanted, env }: ColorFacts): boolean {
  if (!wanted || env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0';
  return isTTY && env.TERM !== 'dumb';
}
