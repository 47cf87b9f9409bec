import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { machineStates, type TimelineEvent } from '#core';
import { Clock } from '#platform';
import { PowerSync } from '#provisioning';
import { EventFeed, MachineStore } from '#store';
import { registerMetadataMetrics, type TakeMetadataTime } from './metadata-metrics.js';
import { registerPowerMetrics } from './power-metrics.js';

const requestBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];
const stageBuckets = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600];

/** What Prometheus is told. */
@Injectable()
export class Metrics implements OnApplicationShutdown {
  readonly metadata: TakeMetadataTime;
  private readonly registry = new Registry();
  private readonly requests: Histogram;
  private readonly stages: Histogram;
  private readonly stageSince = new Map<string, { stage: string; at: Date }>();
  private readonly unsubscribe: () => void;

  constructor(
    machines: MachineStore,
    feed: EventFeed,
    private readonly clock: Clock,
    powerSync: PowerSync,
  ) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    registerPowerMetrics(powerSync, registers);
    this.metadata = registerMetadataMetrics(registers);
    new Gauge({
      name: 'dodai_machines',
      help: 'Machines in each state',
      labelNames: ['state'],
      registers,
      async collect() {
        const counts = await machines.countByState();
        for (const state of machineStates) this.set({ state }, counts[state] ?? 0);
      },
    });
    this.requests = new Histogram({
      name: 'dodai_http_request_seconds',
      help: 'Time to answer a request, by route; streams that stay open are left out',
      labelNames: ['method', 'route', 'status'],
      buckets: requestBuckets,
      registers,
    });
    this.stages = new Histogram({
      name: 'dodai_stage_seconds',
      help: 'Time that machines spent in a stage of their installation or deletion',
      labelNames: ['stage'],
      buckets: stageBuckets,
      registers,
    });
    this.unsubscribe = feed.subscribe((event) => this.onEvent(event));
  }

  onApplicationShutdown(): void {
    this.unsubscribe();
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }

  /** Express middleware that takes the time of every request. */
  readonly middleware = (request: Request, response: Response, next: NextFunction): void => {
    const startedAtMs = this.clock.monotonicMs();
    response.once('finish', () => {
      if (response.get('Content-Type') === 'text/event-stream') return;
      const route = (request.route as { path?: string } | undefined)?.path ?? 'none';
      const labels = { method: request.method, route, status: response.statusCode };
      this.requests.observe(labels, (this.clock.monotonicMs() - startedAtMs) / 1000);
    });
    next();
  };

  /** The events of a stage tell when it was entered; the next one tells how long it was. */
  private onEvent({ kind, machineId, at, data }: TimelineEvent): void {
    if (machineId === null || (kind !== 'stage.changed' && kind !== 'state.changed')) return;
    const last = this.stageSince.get(machineId);
    if (last) this.stages.observe({ stage: last.stage }, (at.getTime() - last.at.getTime()) / 1000);
    this.stageSince.delete(machineId);
    if (kind === 'stage.changed') this.stageSince.set(machineId, { stage: String(data.to), at });
    else if (data.to === 'installing' || data.to === 'deleting')
      this.stageSince.set(machineId, { stage: 'queued', at });
  }
}
