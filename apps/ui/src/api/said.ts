import { type Problem, problem } from '#contract';

/** What is said of an error; without `code` it was not the controller that said it. */
export type Said = Pick<Problem, 'title' | 'detail'> & Partial<Pick<Problem, 'remedy' | 'errors' | 'code'>>;

/** An error in the words in which it is shown. */
export class SaidError extends Error {
  constructor(
    readonly said: Said,
    options?: ErrorOptions,
  ) {
    super(said.detail, options);
  }
}

export const saidOf = (error: unknown): Said =>
  error instanceof SaidError
    ? error.said
    : {
        title: 'This page failed',
        detail: error instanceof Error ? error.message : String(error),
        remedy: 'Load it again; it may be older than the controller.',
      };

export const unreachable = (cause: unknown): SaidError =>
  new SaidError(
    {
      title: 'The controller cannot be reached',
      detail: cause instanceof Error ? cause.message : String(cause),
      remedy: 'See whether it runs, and try again.',
    },
    { cause },
  );

/** An answer that is no success: the problem in it, or what a proxy in between made of it. */
export async function refusalOf(response: Response): Promise<SaidError> {
  const body = problem.safeParse(await response.json().catch(() => undefined));
  if (body.success) return new SaidError(body.data);
  return new SaidError({
    title: `HTTP ${response.status}`,
    detail: `The answer was ${response.status} ${response.statusText}, and not in the words of the controller.`,
    remedy: 'See what stands between this page and the controller: a proxy, perhaps.',
  });
}
