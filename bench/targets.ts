/** What is to be reached, beside Apache Kafka 4.4 or alone: told in the table whether it is. */
export interface Goal {
  readonly workload: RegExp;
  readonly metric: RegExp;
  /** Bound of the ratio to the peer; at least for what should be high, at most for what should be low. */
  readonly ratio?: number;
  /** Bound of the figure itself, in its unit. */
  readonly absolute?: number;
}

export const goals: readonly Goal[] = [
  { workload: /^start$/, metric: /^start to/, ratio: 0.1, absolute: 300 },
  { workload: /^start$/, metric: /^idle memory/, absolute: 100 },
  { workload: /^start$/, metric: /^memory per idle/, absolute: 20 },
  { workload: /^produce-(16k|128k)$/, metric: /^throughput$/, ratio: 1 },
  { workload: /^latency/, metric: /p99$/, ratio: 1 },
];
