import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { rssBytesOf } from '../load/broker-process.ts';
import type { LoadResult } from '../load/load-spec.ts';
import type { Pinning } from '../pinning.ts';
import type { Metrics } from '../report/metrics.ts';
import type { LoadTimes } from './measure-load.ts';
import type { BenchTarget, Peer } from './peers.ts';
import { runOwnLoad } from './run-generator.ts';
import { createLargeTopic, createTopics, untilServed } from './topics.ts';

const FEW = 10;
const SETTLE_MS = 2000;

/**
 * Many partitions on one broker: how long they take to make and to start with, what an idle one costs, and whether
 * producing to all of them is slower than producing to ten.
 */
export async function measurePartitions(
  partitions: number,
  peer: Peer,
  pinning: Pinning,
  times: LoadTimes,
): Promise<Metrics> {
  const target = await peer.start(pinning.brokerCore);
  try {
    await sleep(SETTLE_MS);
    const emptyBytes = rssBytesOf(target.pid);
    await createTopics(target, ['few'], FEW);
    const created = performance.now();
    await createLargeTopic(target, 'many', partitions);
    const createSeconds = (performance.now() - created) / 1000;
    await target.shutDown();
    await target.startAgain();
    const answering = performance.now();
    await untilServed(target, 'few', FEW);
    await untilServed(target, 'many', partitions);
    const startSeconds = (target.startedInMs + performance.now() - answering) / 1000;
    await sleep(SETTLE_MS);
    const idleBytes = rssBytesOf(target.pid);
    const few = await produceTo('few', FEW, target, pinning, times);
    const many = await produceTo('many', partitions, target, pinning, times);
    return {
      [`until ${partitions} are made, s`]: createSeconds,
      'start with them after a clean stop, s': startSeconds,
      'memory per idle partition': (idleBytes - emptyBytes) / partitions / 1e3,
      [`throughput over ${FEW}`]: throughputOf(few),
      'throughput over all': throughputOf(many),
      'share of the throughput over ten': throughputOf(many) / throughputOf(few),
      'CPU per GB over all': many.brokerCpuSeconds / (many.bytes / 1e9),
      'open files under load': readdirSync(`/proc/${target.pid}/fd`).length,
      'memory under load': many.brokerRssBytes / 1e6,
    };
  } finally {
    await target.stop();
  }
}

function throughputOf({ bytes, seconds }: LoadResult): number {
  return bytes / seconds / 1e6;
}

function produceTo(
  topic: string,
  partitions: number,
  { host, port, pid }: BenchTarget,
  { generatorCore }: Pinning,
  times: LoadTimes,
): Promise<LoadResult> {
  return runOwnLoad(
    {
      kind: 'produce',
      host,
      ports: [port],
      brokerPids: [pid],
      topic,
      partitions,
      recordBytes: 1024,
      batchBytes: 16 * 1024,
      connections: 4,
      inFlight: 5,
      acks: 1,
      compression: 'none',
      isSpread: true,
      ...times,
    },
    generatorCore,
  );
}
