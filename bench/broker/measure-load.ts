import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadResult, LoadSpec } from '../load/load-spec.ts';
import type { Pinning } from '../pinning.ts';
import type { BenchTarget, Peer } from './peers.ts';
import {
  runJavaConsumer,
  runJavaProducer,
  runLibrdkafka,
  runOwnLoad,
  type ToolLoad,
} from './run-generator.ts';
import { createTopics, deleteTopic } from './topics.ts';
import type { FetchWorkload, LoadWorkload, ToolWorkload } from './workloads.ts';

export interface RunningPeer {
  readonly peer: Peer;
  readonly target: BenchTarget;
  /** Topics that were filled for consumers and are read again in later rounds. */
  readonly filled: Set<string>;
}

export interface LoadTimes {
  readonly warmUpMs: number;
  readonly measureMs: number;
}

let topicsMade = 0;

/**
 * One load on a running peer, on a topic of its own; what is only read is written once and read in each round.
 *
 * @param rate batches per second, for a latency workload
 */
export async function measureLoad(
  workload: LoadWorkload,
  running: RunningPeer,
  pinning: Pinning,
  times: LoadTimes,
  rate: number,
): Promise<LoadResult> {
  const { peer, target } = running;
  const { host, port, pid } = target;
  const place = { host, ports: [port], brokerPids: [pid], ...times };
  if (workload.kind === 'fetch') return measureFetch(workload, running, pinning, place);
  const topic = `bench-${workload.name}-${topicsMade++}`;
  const partitions = 'partitions' in workload ? workload.partitions : 1;
  if (!peer.onlyProduces) await createTopics(target, [topic], partitions);
  try {
    if ('recordsPerSecond' in workload) return await measureTool(workload, target, pinning, topic, times);
    const spec: LoadSpec = {
      ...workload,
      ...place,
      topic,
      ...(workload.kind === 'latency' ? { rate } : {}),
    } as LoadSpec;
    return await runOwnLoad(spec, pinning.generatorCore);
  } finally {
    if (!peer.onlyProduces) await deleteTopic(target, topic);
  }
}

async function measureFetch(
  workload: FetchWorkload,
  { target, filled }: RunningPeer,
  { generatorCore }: Pinning,
  place: LoadTimes & { host: string; ports: number[]; brokerPids: number[] },
): Promise<LoadResult> {
  const topic = `bench-${workload.name}`;
  const spec = { ...workload, ...place, topic };
  if (!filled.has(topic)) {
    await createTopics(target, [topic], workload.partitions);
    await runOwnLoad({ ...spec, phase: 'fill' }, generatorCore);
    filled.add(topic);
  }
  if (workload.isCold === true) dropFromPageCache(target.dataDirectory, topic);
  return runOwnLoad({ ...spec, phase: workload.isCold === true ? 'once' : 'loop' }, generatorCore);
}

/** Writes back what is only in memory, and then forgets it, so that the next reader waits for the disk. */
function dropFromPageCache(dataDirectory: string, topic: string): void {
  for (const file of globSync(join(dataDirectory, `${topic}-*`, '*.log'))) {
    execFileSync('sync', [file]);
    execFileSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']);
  }
}

async function measureTool(
  { kind, recordsPerSecond, recordBytes, batchBytes }: ToolWorkload,
  { bootstrap, pid: brokerPid }: BenchTarget,
  { generatorCore }: Pinning,
  topic: string,
  { measureMs }: LoadTimes,
): Promise<LoadResult> {
  const records = Math.ceil(recordsPerSecond * (measureMs / 1000));
  const load: ToolLoad = { bootstrap, topic, records, recordBytes, batchBytes, brokerPid };
  switch (kind) {
    case 'java-produce':
      return runJavaProducer(load, generatorCore);
    case 'librdkafka-produce':
      return runLibrdkafka('produce', load, generatorCore);
    case 'java-consume':
      await runLibrdkafka('produce', load, generatorCore);
      return runJavaConsumer(load, generatorCore);
    case 'librdkafka-consume':
      await runLibrdkafka('produce', load, generatorCore);
      return runLibrdkafka('consume', load, generatorCore);
  }
}
