import type { DodaiClient } from './client.js';

/** Names of machines by id, each asked for once. A machine that is gone keeps the first digits of its id. */
export class MachineNames {
  readonly #names = new Map<string, Promise<string>>();

  constructor(private readonly client: DodaiClient) {}

  async of(id: string | null): Promise<string> {
    if (id === null) return '-';
    const known = this.#names.get(id);
    if (known) return await known;
    const asked = this.client.machine(id).then(
      ({ name }) => name,
      () => id.slice(0, 8),
    );
    this.#names.set(id, asked);
    return await asked;
  }
}
