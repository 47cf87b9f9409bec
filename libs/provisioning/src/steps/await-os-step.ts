import type { Machine } from '#core';
import { moved, type Step } from '../outcome.js';
import type { SshGreetings } from '../ssh-greetings.js';
import type { PowerStages } from './power-stages.js';

const lookAgainMs = 5000;

/** What begins so is awaited of an OS that says nothing itself. */
export const sshAwaited = 'the OS to answer on SSH';

/** Where it is to be seen that an OS is up; null: it says so. */
type PlacesOf = (machine: Machine) => Promise<readonly string[] | null>;

/** Switches a machine on whose OS is there, and waits until it is up: until it says so, or until it is seen to answer on SSH. */
export function awaitOsStep(power: PowerStages, ssh: SshGreetings, placesOf: PlacesOf): Step {
  const { deadlines, writer } = power;
  const awaitWord = power.startThenAwait('the installed OS to come up (installed)', deadlines.bootingDiskMs);

  return async (machine, signal) => {
    const places = await placesOf(machine);
    if (!places) return awaitWord(machine, signal);
    const awaits = `${sshAwaited} at ${places.join(' or ')}`;
    const waiting = await power.startThenAwait(awaits, deadlines.bootingDiskMs)(machine, signal);
    const answer = await ssh.from(places, signal);
    if (!answer) return { ...waiting, lookAgainMs };
    const { address, greeting } = answer;
    const message = `${machine.name} answers on SSH at ${address}: ${greeting}`;
    await writer.advanceStage(machine, 'installed', { message, data: { address, greeting } });
    return moved;
  };
}
