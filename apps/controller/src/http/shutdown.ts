import { setMaxListeners } from 'node:events';
import { DomainError } from '#core';

/** Tells requests that are held open that the controller is stopping. */
export class Shutdown {
  private readonly controller = new AbortController();

  constructor() {
    setMaxListeners(0, this.controller.signal); // as many as there are requests held open
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  begin(): void {
    this.controller.abort(
      new DomainError('shutting-down', 'The controller is stopping.', { remedy: 'Ask again in a moment.' }),
    );
  }
}
