import { Injectable } from '@nestjs/common';
import { type DomainError, notifyStates } from '#core';
import { statusOfCode } from '../http/status-of-code.js';
import { BootLog } from './boot-log.js';
import { MachineResolver } from './machine-resolver.js';

interface Refused {
  instanceId: string;
  /** What was said, whatever it is. */
  said: unknown;
  /** The address it came from. */
  client: string;
}

/**
 * Puts the words of installers that were not taken on the timeline of the instance's machine. Anybody may send such words:
 * of what they wrote only a known state is kept.
 */
@Injectable()
export class NotifyRefusals {
  constructor(
    private readonly resolver: MachineResolver,
    private readonly bootLog: BootLog,
  ) {}

  record({ instanceId, said, client }: Refused, error: DomainError): void {
    const state = notifyStates.find((known) => known === said) ?? null;
    this.bootLog.record(this.resolver.byInstance(instanceId), {
      kind: 'notify.refused',
      message: `${state ?? 'a word'} from ${client} was refused: ${reasonOf(error)}`,
      data: { said: state, status: statusOfCode[error.code], code: error.code, client },
    });
  }
}

/** The message of any other error may repeat what the sender wrote. */
function reasonOf({ code, message }: DomainError): string {
  if (code === 'notify-forbidden' || code === 'notify-out-of-order') return message;
  return code === 'notify-unknown-state' ? 'there is no such state' : `it could not be taken (${code})`;
}
