import { expect } from 'vitest';
import type { EventView } from '#contract';
import type { RunningController } from './running-controller.js';

const isStage = (stage: string) => (event: EventView) => event.data.to === stage;

/** Plays what runs on the machines of a controller: installers, wipes, and what they say. */
export class PlayedMachine {
  constructor(private readonly dodai: () => RunningController) {}

  reaches(id: string, stage: string, after?: string): Promise<{ found: EventView }> {
    return this.dodai().untilEvent(`/v1/instances/${id}/events`, isStage(stage), after);
  }

  /** What the machine reads in the script it is given. */
  async instanceToken(id: string, script: string): Promise<string> {
    const path = `/boot/instances/${id}/${script}`;
    const { status, body } = await this.dodai().ask<string & Record<string, unknown>>('GET', path, {
      token: null,
    });
    expect(status).toBe(200);
    const [, token] = /^TOKEN='?([\w-]+)'?$/m.exec(body) ?? [];
    if (token === undefined) throw new Error('the script has no token');
    return token;
  }

  notify(id: string, token: string, body: unknown) {
    return this.dodai().ask('POST', `/v1/instances/${id}/notify`, { token, body });
  }

  /** Until the machine is installed. */
  async install(id: string): Promise<string> {
    await this.reaches(id, 'booting');
    const token = await this.instanceToken(id, 'create.sh');
    await this.say(id, token, ['install', 'install_reboot']);
    await this.reaches(id, 'booting_disk');
    await this.say(id, token, ['installed']);
    return token;
  }

  /** Until the machine of an instance that is being destroyed is given back. */
  async wipe(id: string): Promise<void> {
    const { found } = await this.dodai().untilEvent(
      `/v1/instances/${id}/events`,
      (event) => event.kind === 'state.changed' && event.data.to === 'deleting',
    );
    await this.reaches(id, 'booting', found.id);
    await this.say(id, await this.instanceToken(id, 'delete.sh'), ['delete', 'deleted']);
    expect((await this.dodai().ask('GET', `/v1/instances/${id}?wait=deleted&timeout=20`)).status).toBe(200);
  }

  private async say(id: string, token: string, states: readonly string[]): Promise<void> {
    for (const state of states) expect((await this.notify(id, token, { state })).status).toBe(204);
  }
}
