import type { Target } from '../report/targets.ts';

const KAFKAS = ['kafka-4.4', 'kafka-3.9'];

/** What one broker is to reach beside Apache Kafka's, beside the program in C, or alone. */
export const targets: readonly Target[] = [
  ...besideKafka('produce-16k', 'throughput', 1.3),
  ...besideKafka('produce-128k', 'throughput', 1.3),
  { workload: 'produce-16k', metric: 'throughput', beside: 'c-baseline', bound: 0.5 },
  { workload: 'produce-128k', metric: 'throughput', beside: 'c-baseline', bound: 0.5 },
  ...besideKafka('fetch-1m', 'throughput', 1),
  ...besideKafka('produce-16k', 'CPU per GB', 0.5),
  ...besideKafka('produce-128k', 'CPU per GB', 0.5),
  ...besideKafka(
    'fetch-1m',
    'CPU per GB',
    0.5,
    'the kernel sends the file in both (sendfile), and what is left is its own work: a plain C program that does nothing else comes to 0.2 s per GB, Kafka to 0.4',
  ),
  ...besideKafka('latency-50', 'end to end, p99', 0.5),
  ...besideKafka('recovery', 'start until all is served, s', 1),
  ...besideKafka(
    'start',
    'idle memory',
    0.2,
    'two thirds of it are pages of the Node.js program, mapped from its file',
  ),
  ...besideKafka('start', 'start to first acknowledged message', 0.1),
  { workload: 'start', metric: 'start to first acknowledged message', bound: 300 },
  { workload: 'many-partitions', metric: 'share of the throughput over ten', bound: 0.8 },
];

function besideKafka(workload: string, metric: string, bound: number, whenMissed?: string): Target[] {
  return KAFKAS.map((beside) => ({
    workload,
    metric,
    beside,
    bound,
    ...(whenMissed === undefined ? {} : { whenMissed }),
  }));
}
