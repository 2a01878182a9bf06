import type { Experiment } from '../report/rows.ts';
import type { Target } from '../report/targets.ts';
import type { Acks } from '../load/load-spec.ts';

export type ClusterExperiment = Experiment &
  (
    | { readonly kind: 'warm-up'; readonly batchBytes: number }
    | { readonly kind: 'produce'; readonly batchBytes: number; readonly connections: number }
    | { readonly kind: 'latency'; readonly batchBytes: number; readonly share: number; readonly acks: Acks }
    | { readonly kind: 'shutdown' | 'leader-killed' | 'controller-killed' }
    | { readonly kind: 'create' | 'move' | 'controller-failover'; readonly partitions: number }
  );

const KB = 1024;
const WARM_UP = 'cluster-warm-up';
export const FULL_LOAD = 'cluster-produce-1-client';

/** Further figures of a cluster are further entries; a name picks one: npm run bench -- cluster-create. */
export const clusterExperiments: readonly ClusterExperiment[] = [
  {
    kind: 'warm-up',
    name: WARM_UP,
    group: 'warm-up',
    title: 'acks=all, batches of 16 KB, until it brings no more',
    batchBytes: 16 * KB,
  },
  produce('cluster-produce-16k', 'acks=all, batches of 16 KB, three leaders', 16 * KB, 6),
  produce('cluster-produce-128k', 'acks=all, batches of 128 KB, three leaders', 128 * KB, 6),
  produce(FULL_LOAD, 'acks=all, batches of 16 KB, 1 client', 16 * KB, 1),
  {
    kind: 'latency',
    name: 'cluster-latency-50',
    group: 'replication',
    title: 'acks=all, half of the full load',
    batchBytes: 16 * KB,
    share: 0.5,
    acks: -1,
  },
  {
    kind: 'shutdown',
    name: 'cluster-shutdown',
    group: 'without a leader',
    title: 'the leader is stopped in order',
  },
  {
    kind: 'leader-killed',
    name: 'cluster-leader-killed',
    group: 'without a leader',
    title: 'kill -9 of a leader',
  },
  {
    kind: 'controller-killed',
    name: 'cluster-controller-killed',
    group: 'without a leader',
    title: 'kill -9 of the controller, which leads as well',
  },
  {
    kind: 'create',
    name: 'cluster-create',
    group: 'many partitions',
    title: 'a topic of 1,000 partitions, three replicas each',
    partitions: 1000,
  },
  {
    kind: 'move',
    name: 'cluster-move',
    group: 'many partitions',
    title: '1,000 partitions of 16 KB moved off a broker',
    partitions: 1000,
  },
  {
    kind: 'controller-failover',
    name: 'cluster-controller-failover',
    group: 'many partitions',
    title: 'kill -9 of the controller with 5,000 partitions, two replicas each',
    partitions: 5000,
  },
];

export const clusterTargets: readonly Target[] = [
  ...besideKafka('cluster-produce-16k', 'throughput', 1),
  ...besideKafka('cluster-produce-128k', 'throughput', 1),
  ...besideKafka('cluster-latency-50', 'end to end, p99', 0.5),
  { workload: 'cluster-shutdown', metric: 'without a leader', bound: 100 },
  ...besideKafka('cluster-leader-killed', 'without a leader', 1),
  ...besideKafka('cluster-controller-killed', 'without a leader', 1),
  ...besideKafka('cluster-create', 'until all replicas are in sync, s', 1),
  ...besideKafka('cluster-move', 'until all have arrived, s', 1),
  ...besideKafka('cluster-controller-failover', 'until all have a leader after the session, s', 1),
];

function produce(name: string, title: string, batchBytes: number, connections: number): ClusterExperiment {
  return { kind: 'produce', name, group: 'replication', title, batchBytes, connections };
}

function besideKafka(workload: string, metric: string, bound: number): Target[] {
  return [{ workload, metric, beside: 'kafka-3.9', bound }];
}

/** All for `cluster` alone; else those of these names. @throws Error when there is no such name */
export function clusterExperimentsNamed(names: readonly string[]): readonly ClusterExperiment[] {
  const wanted = new Set(names.filter((name) => name !== 'cluster'));
  if (wanted.size === 0) return clusterExperiments;
  for (const name of wanted) {
    if (clusterExperiments.some((each) => each.name === name)) continue;
    const known = clusterExperiments.map((each) => each.name).join(', ');
    throw new Error(`cluster measurement ${name} is not known: there are cluster, ${known}`);
  }
  wanted.add(WARM_UP);
  if (wanted.has('cluster-latency-50')) wanted.add(FULL_LOAD);
  return clusterExperiments.filter(({ name }) => wanted.has(name));
}
