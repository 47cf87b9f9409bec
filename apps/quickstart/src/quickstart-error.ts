/** What went wrong, and what the person at the keyboard does about it. */
export class QuickstartError extends Error {
  override readonly name = 'QuickstartError';

  constructor(
    message: string,
    readonly remedy?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
