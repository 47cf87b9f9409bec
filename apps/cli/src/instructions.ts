import type { InstanceView } from '#contract';
import type { DodaiClient } from './client.js';

/** What the person is to do who was called to the machine of an instance; null: nobody is. */
export async function instructionsFor(
  client: DodaiClient,
  { id, installation }: InstanceView,
): Promise<string | null> {
  if (installation?.stage !== 'operator') return null;
  const [call] = await client.latestEvents({ instanceId: id, kind: 'operator.called', limit: 1 });
  return call && call.at >= installation.since ? String(call.data.instructions) : null;
}

/** As it is printed, with the words that end it. */
export function instructionsText(instructions: string, { hostName }: InstanceView): string {
  return [
    `A person is called:`,
    ...instructions.trimEnd().split('\n'),
    `Then: dodai instances done ${hostName}, or: dodai instances failed ${hostName} --reason …`,
  ].join('\n  ');
}
