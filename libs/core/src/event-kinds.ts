/** The bulky kinds of the timeline: much text, of use while a work is fresh. Every other kind is a fact. */
export const logKinds: readonly string[] = ['installer.log', 'console.output', 'notify.progress'];

/** Whether an event's kind is one of these: a kind itself, or with a dot at its end everything below it. */
export function isOfKind(kind: string, wanted: readonly string[]): boolean {
  return wanted.some((one) => (one.endsWith('.') ? kind.startsWith(one) : kind === one));
}
