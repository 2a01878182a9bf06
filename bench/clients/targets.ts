import type { Target } from '../report/targets.ts';
import type { ClientWorkload } from './workloads.ts';

const FIRST = 1;
/** In produce and consume, beside the fastest of those without native parts. */
const BESIDE_PLATFORMATIC = 1.5;
const ROUND_TRIPS = 2;

/** What our client is to reach beside the others. */
export function clientTargets(workloads: readonly ClientWorkload[]): readonly Target[] {
  return workloads.flatMap(({ name: workload, kind }): Target[] => {
    const beside = (metric: string, bound: number, ...others: readonly string[]): Target[] =>
      others.map((other) => ({ workload, metric, beside: other, bound }));
    const everybody = ['kafkajs', 'node-rdkafka', 'confluent'];
    switch (kind) {
      case 'single':
        return [
          ...beside('p99', ROUND_TRIPS, 'bare-socket'),
          ...beside('records', FIRST, 'platformatic', ...everybody),
        ];
      case 'end-to-end':
        return beside('p99', FIRST, 'platformatic', ...everybody);
      case 'produce':
      case 'consume': {
        const hasPeer = !workload.endsWith('-batch');
        return [
          ...(hasPeer ? beside('records', BESIDE_PLATFORMATIC, 'platformatic') : []),
          ...beside('records', FIRST, ...everybody),
        ];
      }
    }
  });
}
