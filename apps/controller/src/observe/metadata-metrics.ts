import { Histogram, type Registry } from 'prom-client';

const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** Takes the time of an answer of the metadata service; `style` is `none` where nothing was given. */
export type TakeMetadataTime = (labels: { style: string; status: number }, seconds: number) => void;

export function registerMetadataMetrics(registers: Registry[]): TakeMetadataTime {
  const requests = new Histogram({
    name: 'dodai_metadata_request_seconds',
    help: 'Time to answer a request to the metadata service, by style (EC2, OpenStack, NoCloud, a namespace)',
    labelNames: ['style', 'status'],
    buckets,
    registers,
  });
  return (labels, seconds) => requests.observe(labels, seconds);
}
