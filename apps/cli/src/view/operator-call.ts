import type { InstanceView } from '#contract';

/** What the person is to do who is called to the machine of an instance, with the words that end it; null: nobody is called. */
export function operatorCallText({ operatorCall, hostName }: InstanceView): string | null {
  if (operatorCall === null) return null;
  return [
    `A person is called:`,
    ...operatorCall.instructions.trimEnd().split('\n'),
    `Then: dodai instances done ${hostName}, or: dodai instances failed ${hostName} --reason …`,
  ].join('\n  ');
}
