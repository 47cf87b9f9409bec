/** What went wrong in the lab, and what the person at the keyboard does about it. */
export class LabError extends Error {
  override readonly name = 'LabError';

  constructor(
    message: string,
    readonly remedy: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
