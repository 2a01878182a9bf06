/** What one run of the load generator does, and what it found. Travels between processes as JSON. */
export type LoadSpec = ProduceSpec | FetchSpec | TailSpec | LatencySpec;

export type Acks = -1 | 0 | 1;
export type CompressionName = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

interface Place {
  readonly host: string;
  /** Port of the leader of each partition: partition i is led at entry i modulo their number. */
  readonly ports: readonly number[];
  readonly topic: string;
  /** Partitions of the topic; connection i uses partition i modulo this. */
  readonly partitions: number;
  readonly recordBytes: number;
  /** Aimed at, header included, before compression; a batch holds at least one record. */
  readonly batchBytes: number;
  /** The processes whose time and memory are counted. */
  readonly brokerPids: readonly number[];
}

interface Timed {
  /** Load that is not counted, before what is. */
  readonly warmUpMs: number;
  readonly measureMs: number;
}

export interface ProduceSpec extends Place, Timed {
  readonly kind: 'produce';
  readonly connections: number;
  readonly acks: Acks;
  /** Requests without an answer per connection, as `max.in.flight.requests.per.connection`. */
  readonly inFlight: number;
  /** `none` sends bytes that nothing could shrink, all others text. */
  readonly compression: CompressionName;
  /** Each batch of a connection to the next partition, all having one leader; else all to the connection's own. */
  readonly isSpread: boolean;
}

export interface FetchSpec extends Place, Timed {
  readonly kind: 'fetch';
  readonly connections: number;
  /** Written before the measurement begins, to each partition. The readers begin again at its end. */
  readonly fillBytes: number;
  /** Most bytes of one answer. */
  readonly fetchBytes: number;
  /**
   * `fill`: only write; `loop`: read for the measured time, over and over; `once`: read everything once, however long
   * that takes.
   */
  readonly phase: 'fill' | 'loop' | 'once';
}

/** One producer and one consumer at its heels on each partition, as fast as both go. */
export interface TailSpec extends Place, Timed {
  readonly kind: 'tail';
  readonly acks: -1 | 1;
  readonly inFlight: number;
}

export interface LatencySpec extends Place, Timed {
  readonly kind: 'latency';
  readonly acks: -1 | 1;
  /** Batches per second, sent on time whether earlier ones were answered or not. */
  readonly rate: number;
}

export interface LoadResult {
  readonly seconds: number;
  /** Before compression. */
  readonly bytes: number;
  readonly records: number;
  readonly requests: number;
  /** Processor time of the brokers, user and system, in the measured time. */
  readonly brokerCpuSeconds: number;
  /** Of ours: near `seconds` it says that the generator, not the broker, was the limit. */
  readonly generatorCpuSeconds: number;
  /** Resident memory of the brokers at the end. */
  readonly brokerRssBytes: number;
  /** Only of the kind `latency` and of generators of other makers. */
  readonly latency?: { readonly acknowledged: Percentiles; readonly endToEnd?: Percentiles };
}

/** Milliseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}
