/** What one client does in one process of its own, and what came of it. Travels between processes as JSON. */
export type ClientName = (typeof CLIENT_NAMES)[number];

/** The first is ours; the last is no client: prepared requests over a bare socket, for what the network and the broker take. */
export const CLIENT_NAMES = [
  'odradek',
  'kafkajs',
  'platformatic',
  'node-rdkafka',
  'confluent',
  'bare-socket',
] as const;

interface Place {
  readonly host: string;
  readonly port: number;
  readonly topic: string;
  readonly partitions: number;
  readonly recordBytes: number;
  /** Load that is not counted, before what is. */
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** One record after the other, each awaited. */
export interface SingleSpec extends Place {
  readonly kind: 'single';
}

export interface ProduceSpec extends Place {
  readonly kind: 'produce';
  readonly lingerMs: number;
  readonly batchBytes: number;
}

/** From the beginning of a topic of so many records, until its end or until the time is over. */
export interface ConsumeSpec extends Place {
  readonly kind: 'consume';
  readonly handler: 'message' | 'batch';
  readonly records: number;
}

/** From the call of `send` to the handler, in one process. */
export interface EndToEndSpec extends Place {
  readonly kind: 'end-to-end';
  readonly recordsPerSecond: number;
}

export type ClientSpec = SingleSpec | ProduceSpec | ConsumeSpec | EndToEndSpec;

/** Milliseconds. */
export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

export interface ClientResult {
  readonly seconds: number;
  readonly records: number;
  /** Of the client's process, user and system, all threads. */
  readonly cpuSeconds: number;
  /** Resident, at the end. */
  readonly rssBytes: number;
  readonly latency?: Latency;
}
