import { serviceFolder } from '#metadata';
import { Occupants } from '#store';
import type { BootLog } from '../boot/boot-log.js';
import type { Metrics } from '../observe/metrics.js';
import type { Parts } from '../parts.js';
import { Answers } from './answers.js';
import { Callers, type MacSource } from './callers.js';
import { Claims } from './claims.js';
import { DocumentShelf } from './document-shelf.js';
import { FirstFetches, styleOf } from './first-fetches.js';
import { MetadataListener } from './metadata-listener.js';
import { Neighbours } from './neighbours.js';
import { RequestRate } from './request-rate.js';
import { SessionTokens } from './session-tokens.js';

interface Surroundings {
  leases: MacSource;
  bootLog: BootLog;
  metrics: Metrics;
}

/** The metadata service of this process, from its parts; not started. */
export function metadataService(parts: Parts, { leases, bootLog, metrics }: Surroundings): MetadataListener {
  const { log, clock, database, runner, box, config, documents } = parts;
  const { namespace, rate } = config.metadata;
  const gate = {
    rate: new RequestRate(rate),
    claims: new Claims(config.metadata),
    callers: new Callers(new Occupants(database), [new Neighbours(runner), leases], log),
    tokens: new SessionTokens(box, clock),
  };
  const shelf = new DocumentShelf(async (id) => {
    const described = await documents.describe(id);
    return described && serviceFolder(described.instance, described.data, namespace);
  });
  const answers = new Answers(gate, shelf);
  const fetches = new FirstFetches(bootLog, namespace);
  return new MetadataListener(answers, {
    log,
    clock,
    onAnswer: ({ served, status, seconds }) => {
      metrics.metadata({ style: served ? styleOf(served.path, namespace) : 'none', status }, seconds);
      if (served) fetches.record(served);
    },
  });
}
