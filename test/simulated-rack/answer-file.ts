/** What an installer reads of ours in its answer file, whatever its format. */
export interface Answers {
  /** What speaks for it. */
  scriptUrl: string;
  /** It is asked for until it comes; else once. */
  isAwaited: boolean;
  /** It ends with the power off, else with a restart. */
  powersOff: boolean;
}

/** The power goes off in the words of debconf, Anaconda, Ubuntu's installer and YaST. */
const off =
  /exit\/poweroff boolean true$|^poweroff$|^ *shutdown: poweroff$|<halt config:type="boolean">true</m;

/** Throws when it lacks what every answer file has, or has it in another order. */
export function readAnswers(text: string): Answers {
  const [, until, file = '', scriptUrl] =
    /\b(until )?(?:wget|curl) [^;&\n]*-[oO] (\S+) ([^\s;]+)/.exec(text) ?? [];
  const calls = [...text.matchAll(/\bsh (\S+) (begin|disk|finish)\b/g)];
  const inOrder = calls.map(([, script, command]) => (script === file ? command : 'another')).join(' ');
  if (scriptUrl === undefined || inOrder !== 'begin disk finish')
    throw new Error(`these are no answers (${inOrder}): ${text}`);
  return { scriptUrl, isAwaited: until !== undefined, powersOff: off.test(text) };
}
