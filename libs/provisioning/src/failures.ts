import { DomainError, failureEvent, isWorking, type LastError, type Machine } from '#core';
import { type Clock, jitter, type Logger, type RetryPolicy } from '#platform';
import type { LifecycleWriter } from '#store';

/** What becomes of a step that failed: another try when the reason may pass, the failed state when it has not passed. */
export class Failures {
  constructor(
    private readonly writer: LifecycleWriter,
    private readonly host: { clock: Clock; logger: Logger },
    private readonly policy: RetryPolicy,
  ) {}

  async settle(machine: Machine, error: unknown): Promise<void> {
    const lastError = lastErrorOf(error, this.host.clock.now());
    if (lastError.code === 'internal')
      this.host.logger.error({ err: error, machine: machine.name }, 'a step failed');
    if (this.mayTryAgain(machine, error))
      return void (await this.writer.retryLater(machine, this.nextTry(machine), lastError));
    if (machine.powerOrder) return void (await this.writer.failPowerOrder(machine, lastError));
    await this.writer.advance(machine, failureEvent(machine.state), {
      message: lastError.message,
      error: lastError,
    });
  }

  /** A hand-over is not tried again: it becomes an installation. */
  private mayTryAgain({ state, attempt }: Machine, error: unknown): boolean {
    const mayPass = !(error instanceof DomainError) || error.retryable;
    return mayPass && isWorking(state) && failureEvent(state) === 'failed' && attempt <= this.policy.retries;
  }

  private nextTry({ attempt }: Machine): Date {
    const waitMs = jitter(this.policy.backoffMs * 2 ** (attempt - 1));
    return new Date(this.host.clock.now().getTime() + waitMs);
  }
}

function lastErrorOf(error: unknown, now: Date): LastError {
  const at = now.toISOString();
  if (error instanceof DomainError)
    return { code: error.code, message: error.message, remedy: error.remedy, at };
  return {
    code: 'internal',
    message: 'A fault in the controller itself stopped the work; its log has the details.',
    at,
  };
}
