/** What one run of the load generator does, and what it found. Travels between processes as JSON. */
export type LoadSpec = ProduceSpec | FetchSpec | LatencySpec;

interface Place {
  readonly host: string;
  readonly port: number;
  readonly topic: string;
  /** Partitions of the topic; connection i uses partition i modulo this. */
  readonly partitions: number;
  readonly recordBytes: number;
  /** Aimed at, header included; a batch holds at least one record. */
  readonly batchBytes: number;
  /** The process whose time and memory are counted. */
  readonly brokerPid: number;
}

interface Timed {
  readonly connections: number;
  /** Load that is not counted, before what is. */
  readonly warmUpMs: number;
  readonly measureMs: number;
}

export interface ProduceSpec extends Place, Timed {
  readonly kind: 'produce';
  readonly acks: -1 | 0 | 1;
  /** Requests without an answer per connection, as `max.in.flight.requests.per.connection`. */
  readonly inFlight: number;
}

export interface FetchSpec extends Place, Timed {
  readonly kind: 'fetch';
  /** Written before the measurement begins, to each partition. The readers begin again at its end. */
  readonly fillBytes: number;
  /** Most bytes of one answer. */
  readonly fetchBytes: number;
}

export interface LatencySpec extends Place {
  readonly kind: 'latency';
  readonly acks: -1 | 1;
  /** Batches per second, sent on time whether earlier ones were answered or not. */
  readonly rate: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

export interface LoadResult {
  readonly seconds: number;
  readonly bytes: number;
  readonly records: number;
  readonly requests: number;
  /** Processor time of the broker, user and system, in the measured time. */
  readonly brokerCpuSeconds: number;
  /** Of ours: near `seconds` it says that the generator, not the broker, was the limit. */
  readonly generatorCpuSeconds: number;
  /** Resident memory of the broker at the end. */
  readonly brokerRssBytes: number;
  /** Only of the kind `latency`. */
  readonly latency?: { readonly acknowledged: Percentiles; readonly endToEnd: Percentiles };
}

/** Milliseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}
