import { connectionReason, DomainError } from '#core';
import type { WebhookSettings } from '#platform';
import { Webhook as Signer } from 'standardwebhooks';

const patienceMs = 10_000;

/** Something at the site that is told what happens, in signed requests as Standard Webhooks has them. */
export class Webhook {
  private readonly signer: Signer;

  constructor(private readonly settings: WebhookSettings) {
    this.signer = new Signer(settings.key.reveal());
  }

  /** Of its URL what is no secret: the rest may give access. */
  get receiver(): string {
    return new URL(this.settings.url.reveal()).origin;
  }

  /** @param id the same for every delivery of one message. Throws DomainError `webhook-not-delivered`. */
  async deliver(id: string, at: Date, message: object, signal: AbortSignal): Promise<void> {
    const body = JSON.stringify(message);
    const response = await fetch(this.settings.url.reveal(), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'dodai',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
        'webhook-signature': this.signer.sign(id, at, body),
      },
      body,
      redirect: 'manual', // a signed message goes where the settings say, and nowhere else
      signal: AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]),
    }).catch((cause: unknown) => {
      throw this.notDelivered(connectionReason(cause), cause);
    });
    await response.body?.cancel();
    if (!response.ok) throw this.notDelivered(`it answered with HTTP ${response.status}`);
  }

  private notDelivered(reason: string, cause?: unknown): DomainError {
    return new DomainError(
      'webhook-not-delivered',
      `The webhook at ${this.receiver} took nothing: ${reason}.`,
      {
        remedy: 'It is told again, with growing pauses. See that DODAI_OPERATOR_WEBHOOK_URL leads to it.',
        cause,
      },
    );
  }
}
