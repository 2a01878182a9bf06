/**
 * Many partitions on one broker: how long they take to make and to start with, what an idle one costs, and whether
 * producing to all of them is slower than producing to ten.
 *
 * node bench/partitions.ts [partitions] [odradek|kafka-3.9|kafka-4.4]
 */
import { readdirSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTopicsApi } from '@odradek/protocol/generated/apis/create-topics.ts';
import { parseTargetName, startTarget } from '../interop/targets/start-target.ts';
import { RawConnection } from '../interop/wire/raw-connection.ts';
import { cpuSecondsOf, rssBytesOf } from './load/broker-process.ts';
import { FrameConnection } from './load/frame-connection.ts';
import { batchOf, produceError, produceFrame } from './load/frames.ts';

const MANY = Number(process.argv[2] ?? 10_000);
const FEW = 10;
const HOST = '127.0.0.1';
const CONNECTIONS = 4;
const IN_FLIGHT = 5;
const ROUNDS = 3;
const MEASURE_MS = 4000;
const MEGABYTE = 1_000_000;

async function createTopic(port: number, name: string, numPartitions: number): Promise<number> {
  const connection = await RawConnection.open(HOST, port);
  const startedMs = performance.now();
  const { topics } = await connection.ask(createTopicsApi, 5, {
    timeoutMs: 300_000,
    topics: [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }],
  });
  connection.close();
  if (topics[0]!.errorCode !== 0) throw new Error(`${name} was not made: ${topics[0]!.errorCode}`);
  return performance.now() - startedMs;
}

/** Where the index of the partition stands in a frame: the only place in which two frames differ. */
function indexPosition(one: Buffer, other: Buffer): number {
  const differing = one.findIndex((byte, at) => byte !== other[at]);
  return differing - 3;
}

/** Produces for a while, each batch to the next partition. @returns MB/s and the broker's seconds per GB */
async function produce(port: number, pid: number, topic: string, partitions: number, batchBytes: number) {
  const batch = batchOf(batchBytes, 1000);
  const at = indexPosition(produceFrame(topic, 0, 1, batch), produceFrame(topic, 1, 1, batch));
  let next = 0;
  let bytes = 0;
  const connections: FrameConnection[] = [];
  for (let i = 0; i < CONNECTIONS; i++) {
    const idle: Buffer[] = Array.from({ length: IN_FLIGHT }, () =>
      Buffer.from(produceFrame(topic, 0, 1, batch)),
    );
    const sent: Buffer[] = [];
    const send = (connection: FrameConnection): void => {
      const frame = idle.pop()!;
      frame.writeInt32BE(next++ % partitions, at);
      sent.push(frame);
      connection.send(frame);
    };
    const connection: FrameConnection = await FrameConnection.open(
      HOST,
      port,
      (answer) => {
        if (produceError(answer, topic) !== 0) throw new Error(`refused: ${produceError(answer, topic)}`);
        bytes += batch.bytes.length;
        idle.push(sent.shift()!);
        send(connection);
      },
      (error) => {
        throw error;
      },
    );
    connections.push(connection);
    for (let j = 0; j < IN_FLIGHT; j++) send(connection);
  }
  // Every partition once, so that none has its first batch in the measured time.
  for (const isWarm = () => next > partitions * 1.1; !isWarm();) await sleep(20);
  bytes = 0;
  const [startedMs, cpu] = [performance.now(), cpuSecondsOf(pid)];
  await sleep(MEASURE_MS);
  const seconds = (performance.now() - startedMs) / 1000;
  const result = {
    megabytesPerSecond: bytes / MEGABYTE / seconds,
    cpuPerGigabyte: ((cpuSecondsOf(pid) - cpu) / bytes) * 1e9,
  };
  for (const connection of connections) connection.close();
  return result;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

async function throughput(port: number, pid: number, batchBytes: number) {
  const results = { few: [] as number[], many: [] as number[], ratios: [] as number[] };
  const cpu = { few: [] as number[], many: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    const few = await produce(port, pid, 'few', FEW, batchBytes);
    const many = await produce(port, pid, 'many', MANY, batchBytes);
    results.few.push(few.megabytesPerSecond);
    results.many.push(many.megabytesPerSecond);
    results.ratios.push(many.megabytesPerSecond / few.megabytesPerSecond);
    cpu.few.push(few.cpuPerGigabyte);
    cpu.many.push(many.cpuPerGigabyte);
  }
  return {
    batches: `${batchBytes} B`,
    [`MB/s over ${FEW}`]: Math.round(median(results.few)),
    [`MB/s over ${MANY}`]: Math.round(median(results.many)),
    'ratio (median of rounds)': median(results.ratios).toFixed(2),
    [`CPU s/GB over ${FEW}`]: median(cpu.few).toFixed(2),
    [`CPU s/GB over ${MANY}`]: median(cpu.many).toFixed(2),
  };
}

function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

const target = await startTarget(parseTargetName(process.argv[3] ?? 'odradek'));
try {
  const { port } = target;
  const emptyRss = rssBytesOf(target.pid);
  await createTopic(port, 'few', FEW);
  const createMs = await createTopic(port, 'many', MANY);
  const stoppingMs = performance.now();
  await target.shutDown();
  const stopMs = performance.now() - stoppingMs;
  await target.startAgain();
  await sleep(2000);
  const idleRss = rssBytesOf(target.pid);
  console.table({
    [`make ${MANY} partitions, s`]: (createMs / 1000).toFixed(1),
    'stop after that, s': (stopMs / 1000).toFixed(1),
    'start with them after a clean stop, s': (target.startedInMs / 1000).toFixed(1),
    'memory without them, MB': Math.round(emptyRss / MEGABYTE),
    'memory with them, idle, MB': Math.round(idleRss / MEGABYTE),
    'per idle partition, KB': ((idleRss - emptyRss) / MANY / 1000).toFixed(1),
    'open files, idle': openFiles(target.pid),
  });
  const rows = [];
  for (const batchBytes of [1024, 16_384]) rows.push(await throughput(port, target.pid, batchBytes));
  console.table(rows);
  console.log(`open files under load: ${openFiles(target.pid)}`);
  console.log(`memory under load: ${Math.round(rssBytesOf(target.pid) / MEGABYTE)} MB`);
} finally {
  await target.stop();
}
