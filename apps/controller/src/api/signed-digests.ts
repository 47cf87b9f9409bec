import { Injectable } from '@nestjs/common';
import { type Digests, readSums, type SignedSums } from '#contract';
import { DomainError } from '#core';
import { SumsSignatures } from '#images';

/** Lists of digests that somebody must have signed. */
@Injectable()
export class SignedDigests {
  constructor(private readonly signatures: SumsSignatures) {}

  /** Throws DomainError `image-signature-invalid`, or `invalid-request` when the list has no digest for the file. */
  async read({ fileName, ...signed }: SignedSums): Promise<Digests> {
    const reading = readSums(await this.signatures.verified(signed), fileName);
    if ('digests' in reading) return reading.digests;
    throw new DomainError('invalid-request', `sums: ${reading.fault}.`, {
      remedy: 'Take the list that was published with this file.',
      context: { field: 'sums' },
    });
  }
}
