// What is measured on one broker. A further workload is a further entry; its name or its group picks it:
// npm run bench -- NAME|GROUP...
import type { Acks, CompressionName, LoadSpec } from '../load/load-spec.ts';
import type { Experiment } from '../report/rows.ts';

/** A fresh start of each peer: time to the first acknowledged message, memory when idle and with connections. */
export interface StartWorkload extends Experiment {
  readonly kind: 'start';
  /** Topics that exist at the second look at the memory. */
  readonly topics: number;
  readonly idleConnections: number;
}

/** A log that was not closed in order, and how long its broker takes to serve it again. */
export interface RecoveryWorkload extends Experiment {
  readonly kind: 'recovery';
}

export interface ManyPartitionsWorkload extends Experiment {
  readonly kind: 'many-partitions';
}

interface Batches {
  readonly recordBytes: number;
  readonly batchBytes: number;
  readonly partitions: number;
}

export interface ProduceWorkload extends Experiment, Batches {
  readonly kind: 'produce';
  readonly connections: number;
  readonly inFlight: number;
  readonly acks: Acks;
  readonly compression: CompressionName;
  readonly isSpread: boolean;
  /** Whether the program in C does it, too. */
  readonly hasBaseline?: boolean;
}

export interface FetchWorkload extends Experiment, Batches {
  readonly kind: 'fetch';
  readonly connections: number;
  readonly fillBytes: number;
  readonly fetchBytes: number;
  /** Read once, after the page cache was emptied of it. */
  readonly isCold?: boolean;
}

export interface TailWorkload extends Experiment, Batches {
  readonly kind: 'tail';
  readonly acks: 1;
  readonly inFlight: number;
}

export interface LatencyWorkload extends Experiment, Batches {
  readonly kind: 'latency';
  readonly acks: -1 | 1;
  /** Of what the slowest peer took of FULL_LOAD in this run. */
  readonly share: number;
}

/** Through the generators of others: Kafka's own performance tools, librdkafka. */
export interface ToolWorkload extends Experiment {
  readonly kind: 'java-produce' | 'java-consume' | 'librdkafka-produce' | 'librdkafka-consume';
  /** So many for each second that is to be measured: these generators are told how many, not how long. */
  readonly recordsPerSecond: number;
  readonly recordBytes: number;
  readonly batchBytes: number;
}

export type Workload =
  | StartWorkload
  | RecoveryWorkload
  | ManyPartitionsWorkload
  | ProduceWorkload
  | FetchWorkload
  | TailWorkload
  | LatencyWorkload
  | ToolWorkload;
export type LoadWorkload = Exclude<Workload, StartWorkload | RecoveryWorkload | ManyPartitionsWorkload>;
export type LoadKind = LoadSpec['kind'];

const KB = 1024;
const MB = 1024 * KB;

/** Where all dimensions cross: four connections, five requests under way on each, as a Java producer sends. */
const PRODUCE = {
  kind: 'produce',
  recordBytes: KB,
  batchBytes: 16 * KB,
  connections: 4,
  inFlight: 5,
  acks: 1,
  partitions: 4,
  compression: 'none',
  isSpread: false,
} as const;
const FETCH = { kind: 'fetch', connections: 2, partitions: 2, recordBytes: KB, batchBytes: 16 * KB } as const;
const LATENCY = { kind: 'latency', recordBytes: KB, batchBytes: 16 * KB, partitions: 1, acks: 1 } as const;

/** The produce workload whose throughput is the full load of the latencies. */
export const FULL_LOAD = 'produce-1-client';

export const workloads: readonly Workload[] = [
  {
    kind: 'start',
    name: 'start',
    group: 'start',
    title: 'start and memory',
    topics: 50,
    idleConnections: 1000,
  },
  {
    kind: 'recovery',
    name: 'recovery',
    group: 'recovery',
    title: 'a log after kill -9, from the page cache',
  },
  {
    kind: 'many-partitions',
    name: 'many-partitions',
    group: 'partitions',
    title: 'a broker with very many of them',
  },

  produce('batch-size', 'produce-16k', 'batches of 16 KB', { hasBaseline: true }),
  produce('batch-size', 'produce-64k', 'batches of 64 KB', { batchBytes: 64 * KB }),
  produce('batch-size', 'produce-128k', 'batches of 128 KB', { batchBytes: 128 * KB, hasBaseline: true }),
  produce('batch-size', 'produce-256k', 'batches of 256 KB', { batchBytes: 256 * KB }),
  produce('batch-size', 'produce-1m', 'batches of 1 MB', { batchBytes: MB, hasBaseline: true }),

  produce('record-size', 'produce-100b-alone', 'one record of 100 B a batch', {
    recordBytes: 100,
    batchBytes: 1,
  }),
  produce('record-size', 'produce-1k-alone', 'one record of 1 KB a batch', { batchBytes: 1 }),
  produce('record-size', 'produce-100b', 'records of 100 B in 16 KB', { recordBytes: 100 }),
  produce('record-size', 'produce-10k', 'records of 10 KB in 128 KB', {
    recordBytes: 10 * KB,
    batchBytes: 128 * KB,
  }),
  produce('record-size', 'produce-100k', 'records of 100 KB in 1 MB', {
    recordBytes: 100 * KB,
    batchBytes: MB,
  }),

  produce('acks', 'produce-acks-0', 'acks=0', { acks: 0 }),
  produce('acks', 'produce-acks-all', 'acks=all', { acks: -1 }),

  produce('clients', FULL_LOAD, '1 client', { connections: 1, partitions: 1, hasBaseline: true }),
  produce('clients', 'produce-10-clients', '10 clients', { connections: 10, partitions: 10 }),
  produce('clients', 'produce-100-clients', '100 clients', { connections: 100, partitions: 10 }),

  produce('compression', 'produce-gzip', 'gzip', { compression: 'gzip' }),
  produce('compression', 'produce-snappy', 'snappy', { compression: 'snappy' }),
  produce('compression', 'produce-lz4', 'lz4', { compression: 'lz4' }),
  produce('compression', 'produce-zstd', 'zstd', { compression: 'zstd' }),

  produce('partitions', 'produce-1-partition', '4 clients, 1 partition', { partitions: 1 }),
  produce('partitions', 'produce-100-partitions', 'each batch to the next of 100', {
    partitions: 100,
    isSpread: true,
  }),

  {
    ...FETCH,
    name: 'fetch-1m',
    group: 'consume',
    title: 'catching up, answers of 1 MB',
    fillBytes: 128 * MB,
    fetchBytes: MB,
  },
  {
    ...FETCH,
    name: 'fetch-16k',
    group: 'consume',
    title: 'catching up, answers of 16 KB',
    fillBytes: 32 * MB,
    fetchBytes: 16 * KB,
  },
  {
    ...FETCH,
    name: 'fetch-1m-alone',
    group: 'consume',
    title: 'catching up, answers of 1 MB, batches of one record',
    batchBytes: 1,
    fillBytes: 8 * MB,
    fetchBytes: MB,
  },
  {
    ...FETCH,
    name: 'fetch-cold',
    group: 'consume',
    title: 'catching up from the disk, answers of 1 MB',
    fillBytes: 128 * MB,
    fetchBytes: MB,
    isCold: true,
  },
  {
    kind: 'tail',
    name: 'tail',
    group: 'consume',
    title: '4 producers at full speed, a consumer at the heels of each',
    recordBytes: KB,
    batchBytes: 16 * KB,
    partitions: 4,
    acks: 1,
    inFlight: 5,
  },

  { ...LATENCY, name: 'latency-50', group: 'latency', title: 'half of the full load', share: 0.5 },
  { ...LATENCY, name: 'latency-10', group: 'latency', title: 'a tenth of the full load', share: 0.1 },
  { ...LATENCY, name: 'latency-90', group: 'latency', title: 'nine tenths of the full load', share: 0.9 },

  tool('java-produce', 'java-produce-16k', "Kafka's producer-perf-test, 16 KB", 75_000, 16 * KB),
  tool('java-produce', 'java-produce-128k', "Kafka's producer-perf-test, 128 KB", 125_000, 128 * KB),
  tool('java-consume', 'java-consume', "Kafka's consumer-perf-test", 125_000, 16 * KB),
  tool('librdkafka-produce', 'librdkafka-produce-16k', 'librdkafka produces, 16 KB', 100_000, 16 * KB),
  tool('librdkafka-produce', 'librdkafka-produce-128k', 'librdkafka produces, 128 KB', 200_000, 128 * KB),
  tool('librdkafka-consume', 'librdkafka-consume', 'librdkafka consumes', 200_000, 16 * KB),
];

function produce(
  group: string,
  name: string,
  title: string,
  varied: Partial<Omit<ProduceWorkload, 'kind'>>,
): ProduceWorkload {
  return { ...PRODUCE, group, name, title, ...varied };
}

function tool(
  kind: ToolWorkload['kind'],
  name: string,
  title: string,
  recordsPerSecond: number,
  batchBytes: number,
): ToolWorkload {
  return { kind, name, group: 'generators of others', title, recordsPerSecond, batchBytes, recordBytes: KB };
}

/**
 * The workloads of these names and groups and those that they build on, in the order of the list; all for none.
 *
 * @throws Error when there is no such name
 */
export function workloadsNamed(names: readonly string[]): readonly Workload[] {
  if (names.length === 0) return workloads;
  const found = (name: string): readonly Workload[] =>
    workloads.filter((workload) => workload.name === name || workload.group === name);
  const wanted = new Set(names.flatMap(found));
  for (const name of names) {
    if (found(name).length > 0) continue;
    const known = [...new Set(workloads.flatMap((each) => [each.group, each.name]))];
    throw new Error(`workload ${name} is not known: there are ${known.join(', ')}`);
  }
  if ([...wanted].some(({ kind }) => kind === 'latency')) {
    for (const workload of found(FULL_LOAD)) wanted.add(workload);
  }
  return workloads.filter((workload) => wanted.has(workload));
}
