// What is measured. A further workload is a further entry; its name picks it: npm run bench -- NAME...
import type { LoadSpec } from './load/load-spec.ts';

interface Named {
  readonly name: string;
  readonly title: string;
}

/** A fresh start of each peer: time to the first acknowledged message, memory when idle and with connections. */
export interface StartWorkload extends Named {
  readonly kind: 'start';
  /** Topics that exist at the second look at the memory. */
  readonly topics: number;
  readonly idleConnections: number;
}

interface Batches {
  readonly recordBytes: number;
  readonly batchBytes: number;
  readonly partitions: number;
}

export interface ProduceWorkload extends Named, Batches {
  readonly kind: 'produce';
  readonly connections: number;
  readonly inFlight: number;
  readonly acks: -1 | 0 | 1;
}

export interface FetchWorkload extends Named, Batches {
  readonly kind: 'fetch';
  readonly connections: number;
  readonly fillBytes: number;
  readonly fetchBytes: number;
}

export interface LatencyWorkload extends Named, Batches {
  readonly kind: 'latency';
  readonly acks: -1 | 1;
  /** The produce workload whose throughput, of the slowest peer in the same round, is the full load. */
  readonly fullLoad: string;
  readonly share: number;
}

/** Through Kafka's own performance tools. */
export interface JavaWorkload extends Named {
  readonly kind: 'java-produce' | 'java-consume';
  readonly records: number;
  readonly recordBytes: number;
  readonly producer: Readonly<Record<string, string>>;
}

export type Workload = StartWorkload | ProduceWorkload | FetchWorkload | LatencyWorkload | JavaWorkload;
export type LoadKind = LoadSpec['kind'];

const KB = 1024;
const MB = 1024 * KB;

/** As a Java producer sends: five requests under way on each connection. */
const PRODUCE = { kind: 'produce', connections: 4, inFlight: 5, acks: 1, partitions: 4 } as const;
const FETCH = { kind: 'fetch', connections: 2, partitions: 2 } as const;

export const workloads: readonly Workload[] = [
  {
    kind: 'start',
    name: 'start',
    title: 'start and memory',
    topics: 50,
    idleConnections: 1000,
  },
  {
    ...PRODUCE,
    name: 'produce-100b',
    title: 'batches of one record of 100 B',
    recordBytes: 100,
    batchBytes: 1,
  },
  { ...PRODUCE, name: 'produce-1k', title: 'batches of one record of 1 KB', recordBytes: KB, batchBytes: 1 },
  {
    ...PRODUCE,
    name: 'produce-16k-small',
    title: '16 KB batches, records of 100 B',
    recordBytes: 100,
    batchBytes: 16 * KB,
  },
  {
    ...PRODUCE,
    name: 'produce-16k',
    title: '16 KB batches, records of 1 KB',
    recordBytes: KB,
    batchBytes: 16 * KB,
  },
  {
    ...PRODUCE,
    name: 'produce-16k-all',
    title: '16 KB batches, acks=all',
    recordBytes: KB,
    batchBytes: 16 * KB,
    acks: -1,
  },
  {
    ...PRODUCE,
    name: 'produce-128k',
    title: '128 KB batches, records of 1 KB',
    recordBytes: KB,
    batchBytes: 128 * KB,
  },
  { ...PRODUCE, name: 'produce-1m', title: '1 MB batches, records of 1 KB', recordBytes: KB, batchBytes: MB },
  {
    ...PRODUCE,
    name: 'produce-16k-one',
    title: '16 KB batches, one connection',
    recordBytes: KB,
    batchBytes: 16 * KB,
    connections: 1,
    partitions: 1,
  },
  {
    ...FETCH,
    name: 'fetch-16k',
    title: '16 KB answers',
    recordBytes: KB,
    batchBytes: 16 * KB,
    fillBytes: 64 * MB,
    fetchBytes: 16 * KB,
  },
  {
    ...FETCH,
    name: 'fetch-1m',
    title: '1 MB answers of 16 KB batches',
    recordBytes: KB,
    batchBytes: 16 * KB,
    fillBytes: 256 * MB,
    fetchBytes: MB,
  },
  {
    ...FETCH,
    name: 'fetch-1m-small',
    title: '1 MB answers of 1 KB batches',
    recordBytes: KB,
    batchBytes: 1,
    fillBytes: 32 * MB,
    fetchBytes: MB,
  },
  {
    kind: 'latency',
    name: 'latency-16k',
    title: 'half load, 16 KB batches',
    recordBytes: KB,
    batchBytes: 16 * KB,
    partitions: 1,
    acks: 1,
    fullLoad: 'produce-16k-one',
    share: 0.5,
  },
  {
    kind: 'java-produce',
    name: 'java-produce-16k',
    title: "Kafka's producer-perf-test, batch.size 16 KB",
    records: 300_000,
    recordBytes: KB,
    producer: { 'batch.size': '16384', 'linger.ms': '5', acks: '1' },
  },
  {
    kind: 'java-produce',
    name: 'java-produce-128k',
    title: "Kafka's producer-perf-test, batch.size 128 KB",
    records: 500_000,
    recordBytes: KB,
    producer: { 'batch.size': '131072', 'linger.ms': '5', acks: '1' },
  },
  {
    kind: 'java-consume',
    name: 'java-consume',
    title: "Kafka's consumer-perf-test",
    records: 500_000,
    recordBytes: KB,
    producer: { 'batch.size': '16384', 'linger.ms': '5', acks: '1' },
  },
];

/** The workloads of these names and those that they build on, in the order of the list; all for no name. */
export function workloadsNamed(names: readonly string[]): readonly Workload[] {
  if (names.length === 0) return workloads;
  const wanted = new Set(names);
  for (const name of names) {
    const found = workloads.find((workload) => workload.name === name);
    if (found === undefined) {
      throw new Error(
        `workload ${name} is not known: there are ${workloads.map((each) => each.name).join(', ')}`,
      );
    }
    if (found.kind === 'latency') wanted.add(found.fullLoad);
  }
  return workloads.filter((workload) => wanted.has(workload.name));
}
