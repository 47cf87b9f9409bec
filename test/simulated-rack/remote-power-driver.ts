import { Agent, type IncomingMessage, request as httpRequest } from 'node:http';
import { json } from 'node:stream/consumers';
import { DomainError } from '#core';
import type { BmcAddress, CommandOptions, ReportedPower } from '#power';
import { CommandDriver } from './command-driver.js';
import type { PowerAnswer, PowerQuestion } from './power-socket.js';
import { type BmcCommand, bmcFailure } from './simulated-bmc.js';

/** The power of a simulated rack in another process, through its PowerSocket. */
export class RemotePowerDriver extends CommandDriver {
  private readonly agent = new Agent({ keepAlive: true });

  constructor(private readonly socketPath: string) {
    super();
  }

  protected async exchange(
    bmc: BmcAddress,
    command: BmcCommand,
    { signal }: CommandOptions = {},
  ): Promise<ReportedPower | undefined> {
    signal?.throwIfAborted();
    const question = { bmc: { ...bmc, password: bmc.password.reveal() }, command };
    const answer = await this.ask(question, signal).catch((error: Error) => {
      signal?.throwIfAborted();
      throw bmcFailure(bmc, 'bmc-no-answer', `the simulated rack is not there: ${error.message}`);
    });
    if (!('error' in answer)) return answer.power;
    const { code, message, remedy, context } = answer.error;
    throw new DomainError(code, message, { remedy, context });
  }

  private async ask(question: PowerQuestion, signal: AbortSignal | undefined): Promise<PowerAnswer> {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const { socketPath, agent } = this;
      const options = { socketPath, agent, signal, method: 'POST', path: '/' };
      httpRequest(options, resolve).on('error', reject).end(JSON.stringify(question));
    });
    return (await json(answer)) as PowerAnswer;
  }
}
