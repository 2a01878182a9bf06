// Members that read topics by expressions: matched by the client, and by the coordinator.
import assert from 'node:assert/strict';
import {
  Cluster,
  GroupConsumer,
  Producer,
  createTopic,
  deleteTopic,
  type GroupConsumerOptions,
} from '@odradek/client/index.ts';
import { consumerGroupHeartbeatApi } from '@odradek/protocol/generated/apis/consumer-group-heartbeat.ts';
import type { Target } from '../targets/target.ts';
import { until, type Case } from './case.ts';

/** Topics whose names begin alike come and go, others stand beside them. @param prefix of those that match */
async function topicsComeAndGo(
  { bootstrap }: Target,
  prefix: string,
  selection: Pick<GroupConsumerOptions, 'topics' | 'serverTopicPattern' | 'groupProtocol'>,
): Promise<void> {
  const cluster = new Cluster({ bootstrapServers: bootstrap });
  const producer = new Producer({ bootstrapServers: bootstrap });
  const values: string[] = [];
  const create = async (name: string): Promise<void> => {
    await createTopic(cluster, { name, partitions: 2, replicationFactor: 1 });
  };
  const send = async (topic: string, value: string): Promise<void> => {
    await producer.send({ topic, value: Buffer.from(value) });
  };
  await create(`${prefix}-one`);
  await create(`other-than-${prefix}`);
  await send(`${prefix}-one`, 'first');
  await send(`other-than-${prefix}`, 'never');
  const consumer = new GroupConsumer({
    bootstrapServers: bootstrap,
    groupId: `readers-of-${prefix}`,
    offsetReset: 'earliest',
    metadataMaxAgeMs: 500,
    ...(selection.groupProtocol === 'consumer' ? {} : { heartbeatIntervalMs: 200 }),
    ...selection,
  });
  const running = consumer.run({ eachMessage: ({ value }) => void values.push(String(value)) });
  try {
    await until('the first is read', () => values.includes('first'));
    await create(`${prefix}-two`);
    await send(`${prefix}-two`, 'second');
    await until('a topic that comes is read', () => values.includes('second'));
    await deleteTopic(cluster, `${prefix}-one`);
    await send(`${prefix}-two`, 'third');
    await until('the others go on when one goes', () => values.includes('third'));
    await until('nothing of it is kept', () =>
      consumer.assignment.every(({ topic }) => topic === `${prefix}-two`),
    );
    await send(`${prefix}-two`, 'fourth');
    await until('and after that', () => values.includes('fourth'));
    assert.deepEqual(values, ['first', 'second', 'third', 'fourth']);
  } finally {
    await consumer.close();
    await running;
    await producer.close();
    cluster.close();
  }
}

export const topicPatternCases: readonly Case[] = [
  {
    name: 'topics by expression: they come and go, the others go on',
    run: (target) => topicsComeAndGo(target, 'come-and-go', { topics: [/^come-and-go-/] }),
  },
  {
    name: 'topics by expression, with KIP-848',
    needs: consumerGroupHeartbeatApi,
    refusedBy: ['kafka-3.9'],
    run: (target) =>
      topicsComeAndGo(target, 'come-and-go-848', {
        topics: [/^come-and-go-848-/],
        groupProtocol: 'consumer',
      }),
  },
  {
    name: 'topics by an expression of the coordinator',
    needs: consumerGroupHeartbeatApi,
    refusedBy: ['kafka-3.9', 'odradek'],
    run: (target) =>
      topicsComeAndGo(target, 'by-coordinator', {
        topics: [],
        serverTopicPattern: 'by-coordinator-.*',
        groupProtocol: 'consumer',
      }),
  },
];
