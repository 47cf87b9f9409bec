import { inspect } from 'node:util';

const shown = '[secret]';

/** A value that must not be seen: prints as `[secret]` in strings, JSON, logs and the debugger's output. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. Call it at the last moment, where it is handed over. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return shown;
  }

  toJSON(): string {
    return shown;
  }

  [inspect.custom](): string {
    return shown;
  }
}
