import { createPartitionsApi } from '@odradek/protocol/generated/apis/create-partitions.ts';
import { createTopicsApi } from '@odradek/protocol/generated/apis/create-topics.ts';
import { deleteTopicsApi } from '@odradek/protocol/generated/apis/delete-topics.ts';
import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import { errorName } from '@odradek/protocol/errors.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Target } from '../../interop/targets/target.ts';
import { RawConnection } from '../../interop/wire/raw-connection.ts';
import { batchOf } from '../load/frames.ts';

const TIMEOUT_MS = 30_000;
const RECOVERY_TIMEOUT_MS = 300_000;
const LARGE_TIMEOUT_MS = 240_000;
const PARTITIONS_PER_REQUEST = 5000;
const RETRY_MS = 2;
/** Answers about thousands of partitions take their time; asking is not to become a load of its own. */
const RETRY_MANY_MS = 100;
const MANY = 1000;
const LATEST = -1;

/** Does something over one connection to the target. */
async function through<T>(target: Target, action: (connection: RawConnection) => Promise<T>): Promise<T> {
  const connection = await RawConnection.open(target.host, target.port);
  try {
    return await action(connection);
  } finally {
    connection.close();
  }
}

/** Makes topics and resolves when every partition of them has a leader that serves it. */
export async function createTopics(
  target: Target,
  names: readonly string[],
  partitions: number,
  timeoutMs = TIMEOUT_MS,
): Promise<void> {
  await through(target, async (connection) => {
    const { topics } = await connection.ask(createTopicsApi, 5, {
      timeoutMs,
      topics: names.map((name) => ({
        name,
        numPartitions: partitions,
        replicationFactor: 1,
        assignments: [],
        configs: [],
      })),
    });
    for (const { name, errorCode } of topics) {
      if (errorCode !== 0) throw new Error(`${target.name} did not create ${name}: ${errorName(errorCode)}`);
    }
    for (const name of names) await untilLed(connection, name, partitions, timeoutMs);
  });
  // A broker of Kafka 4 tells of leaders before it is one.
  for (const name of names) await untilServed(target, name, partitions);
}

async function untilLed(
  connection: RawConnection,
  name: string,
  partitions: number,
  timeoutMs: number,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const { topics } = await connection.ask(metadataApi, 8, { topics: [{ name }] });
    const led = topics[0]?.partitions.filter((partition) => partition.leaderId >= 0) ?? [];
    if (led.length === partitions) return;
    if (Date.now() > deadline) throw new Error(`${name} has no leaders after ${timeoutMs} ms`);
    await sleep(partitions < MANY ? RETRY_MS : RETRY_MANY_MS);
  }
}

/** Makes one topic of any number of partitions, some thousands in each request: Kafka's controller takes no more. */
export async function createLargeTopic(target: Target, name: string, partitions: number): Promise<void> {
  let count = Math.min(partitions, PARTITIONS_PER_REQUEST);
  await createTopics(target, [name], count, LARGE_TIMEOUT_MS);
  while (count < partitions) {
    count = Math.min(partitions, count + PARTITIONS_PER_REQUEST);
    await through(target, async (connection) => {
      const { results } = await connection.ask(createPartitionsApi, 1, {
        timeoutMs: LARGE_TIMEOUT_MS,
        validateOnly: false,
        topics: [{ name, count, assignments: null }],
      });
      const { errorCode } = results[0]!;
      if (errorCode !== 0) throw new Error(`${target.name} did not grow ${name}: ${errorName(errorCode)}`);
      await untilLed(connection, name, count, LARGE_TIMEOUT_MS);
    });
    await untilServed(target, name, count);
  }
}

export async function deleteTopic(target: Target, name: string): Promise<void> {
  await through(target, (connection) =>
    connection.ask(deleteTopicsApi, 5, { timeoutMs: TIMEOUT_MS, topicNames: [name] }),
  );
}

/** One record of 100 B to partition 0, again until it is acknowledged: a new leader may need a moment. */
export async function produceOne(target: Target, topic: string): Promise<void> {
  const records = batchOf(1, 100).bytes;
  const deadline = Date.now() + TIMEOUT_MS;
  await through(target, async (connection) => {
    for (;;) {
      const { responses } = await connection.ask(produceApi, 8, {
        acks: 1,
        timeoutMs: TIMEOUT_MS,
        topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
      });
      const errorCode = responses[0]?.partitionResponses[0]?.errorCode;
      if (errorCode === 0) return;
      if (Date.now() > deadline) throw new Error(`${topic} takes no record: ${errorName(errorCode ?? -1)}`);
      await sleep(RETRY_MS);
    }
  });
}

/** Resolves when every partition of the topic is served, and partition 0 up to `endOffset` where that is given. */
export async function untilServed(
  target: Target,
  topic: string,
  partitions: number,
  endOffset?: number,
): Promise<void> {
  const deadline = Date.now() + RECOVERY_TIMEOUT_MS;
  await through(target, async (connection) => {
    for (;;) {
      const { topics } = await connection.ask(listOffsetsApi, 5, {
        replicaId: -1,
        isolationLevel: 0,
        topics: [
          {
            name: topic,
            partitions: Array.from({ length: partitions }, (_, partitionIndex) => ({
              partitionIndex,
              timestamp: LATEST,
            })),
          },
        ],
      });
      const answers = topics[0]!.partitions;
      const isServed = answers.every(({ errorCode }) => errorCode === 0);
      const end = answers.find(({ partitionIndex }) => partitionIndex === 0)!.offset;
      if (isServed && (endOffset === undefined || end === endOffset)) return;
      if (Date.now() > deadline) {
        const errors = [...new Set(answers.map(({ errorCode }) => errorName(errorCode)))].join(', ');
        throw new Error(`${topic} is not served after ${RECOVERY_TIMEOUT_MS} ms: ${errors}, offset ${end}`);
      }
      await sleep(partitions < MANY ? RETRY_MS : RETRY_MANY_MS);
    }
  });
}
