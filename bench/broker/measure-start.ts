import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Target } from '../../interop/targets/target.ts';
import { cpuSecondsOf, rssBytesOf } from '../load/broker-process.ts';
import type { Pinning } from '../pinning.ts';
import type { Metrics } from '../report/metrics.ts';
import type { Peer } from './peers.ts';
import { createTopics, produceOne } from './topics.ts';
import type { StartWorkload } from './workloads.ts';

/** Time after which an idle broker's memory is looked at. */
const SETTLE_MS = 2000;
const MB = 1e6;
const KB = 1e3;

/** A peer from nothing: its first acknowledged message, then its memory as topics and connections come. */
export async function measureStart(
  workload: StartWorkload,
  peer: Peer,
  { brokerCore }: Pinning,
): Promise<Metrics> {
  const target = await peer.start(brokerCore);
  try {
    const began = performance.now();
    await createTopics(target, ['first'], 1);
    await produceOne(target, 'first');
    const startMs = target.startedInMs + (performance.now() - began);
    const startCpuSeconds = cpuSecondsOf(target.pid);
    await sleep(SETTLE_MS);
    const idle = rssBytesOf(target.pid);
    await createTopics(
      target,
      Array.from({ length: workload.topics - 1 }, (_, i) => `topic-${i}`),
      1,
    );
    await sleep(SETTLE_MS);
    const withTopics = rssBytesOf(target.pid);
    const perConnection = await connectionCost(target, workload.idleConnections);
    return {
      'start to first acknowledged message': startMs,
      'processor time of that': startCpuSeconds * 1000,
      'idle memory': idle / MB,
      [`idle memory, ${workload.topics} topics`]: withTopics / MB,
      [`memory per idle connection, of ${workload.idleConnections}`]: perConnection / KB,
    };
  } finally {
    await target.stop();
  }
}

/** What each of `count` connections adds to the memory after a request for versions, as every client sends it. */
async function connectionCost(target: Target, count: number): Promise<number> {
  const before = rssBytesOf(target.pid);
  // size 12: ApiVersions v0, correlation id 1, client id "ab".
  const request = Buffer.from('0000000c001200000000000100026162', 'hex');
  const sockets: Socket[] = [];
  try {
    for (let i = 0; i < count; i++) {
      const socket = connect(target.port, target.host);
      sockets.push(socket);
      await once(socket, 'connect');
      socket.write(request);
      await once(socket, 'data');
    }
    await sleep(SETTLE_MS);
    return (rssBytesOf(target.pid) - before) / count;
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}
