import type { LoadResult } from '../load/load-spec.ts';

/** Figures by the name of what was measured. */
export type Metrics = Record<string, number>;

export interface Unit {
  readonly unit: string;
  readonly better: 'higher' | 'lower';
}

const UNITS: readonly (readonly [RegExp, Unit])[] = [
  [/^share of/, { unit: '', better: 'higher' }],
  [/throughput/, { unit: 'MB/s', better: 'higher' }],
  [/^records$/, { unit: '1/s', better: 'higher' }],
  [/^CPU per /, { unit: 's', better: 'lower' }],
  [/busy$/, { unit: '%', better: 'lower' }],
  [/^memory per idle/, { unit: 'KB', better: 'lower' }],
  [/memory/, { unit: 'MB', better: 'lower' }],
  [/^recovered$/, { unit: 'GB/s', better: 'higher' }],
  [/^open files/, { unit: '', better: 'lower' }],
  [/, s$/, { unit: 's', better: 'lower' }],
  [/./, { unit: 'ms', better: 'lower' }],
];

export function unitOf(metric: string): Unit {
  return UNITS.find(([pattern]) => pattern.test(metric))![1];
}

/** What of a load's result goes into the table. */
export function metricsOf(kind: string, result: LoadResult): Metrics {
  const { seconds, bytes, records, latency } = result;
  const metrics: Metrics = {};
  if (kind !== 'latency') {
    metrics['throughput'] = bytes / seconds / 1e6;
    metrics['records'] = records / seconds;
  }
  metrics['CPU per GB'] = result.brokerCpuSeconds / (bytes / 1e9);
  if (latency !== undefined) {
    const { acknowledged, endToEnd } = latency;
    metrics['acknowledged, p50'] = acknowledged.p50;
    metrics['acknowledged, p99'] = acknowledged.p99;
    if (endToEnd !== undefined) {
      metrics['end to end, p50'] = endToEnd.p50;
      metrics['end to end, p99'] = endToEnd.p99;
    }
  }
  metrics['memory under load'] = result.brokerRssBytes / 1e6;
  if (result.generatorCpuSeconds > 0)
    metrics['generator busy'] = (100 * result.generatorCpuSeconds) / seconds;
  return metrics;
}

export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
