// Handlers that block the event loop for longer than the session, with and without a thread for heartbeats.
import assert from 'node:assert/strict';
import {
  Cluster,
  GroupConsumer,
  Producer,
  createTopic,
  describeGroup,
  type GroupConsumerOptions,
} from '@odradek/client/index.ts';
import { consumerGroupHeartbeatApi } from '@odradek/protocol/generated/apis/consumer-group-heartbeat.ts';
import { KafkaError } from '@odradek/protocol/errors.ts';
import type { Target } from '../targets/target.ts';
import { until, type Case } from './case.ts';
import { JavaMember } from './java-member.ts';

/** The shortest that the targets are set up to take. */
const LOST_SESSION_MS = 1_000;
/** The thread has to come to life within it, on a machine that is busy. That of KIP-848 the coordinator knows. */
const KEPT_SESSION_MS = 6_000;
const PARTITIONS = 4;

class BlockedMember {
  readonly topic: string;
  readonly groupId: string;
  readonly consumer: GroupConsumer;
  readonly lost: unknown[] = [];
  private readonly bootstrapServers: string;

  constructor({ bootstrap }: Target, name: string, options: Partial<GroupConsumerOptions>) {
    this.bootstrapServers = bootstrap;
    this.topic = `blocked-${name}`;
    this.groupId = `group-of-${this.topic}`;
    this.consumer = new GroupConsumer({
      bootstrapServers: bootstrap,
      groupId: this.groupId,
      topics: [this.topic],
      offsetReset: 'earliest',
      autoCommit: false,
      onLost: (partitions) => void this.lost.push(...partitions),
      ...(options.groupProtocol === 'consumer'
        ? {}
        : { heartbeatIntervalMs: 200, sessionTimeoutMs: KEPT_SESSION_MS, assignors: ['range'] }),
      ...options,
    });
  }

  /** There is a topic with one record in each partition. @returns once one of them was read and heartbeats go out */
  async begin(): Promise<void> {
    const cluster = new Cluster({ bootstrapServers: this.bootstrapServers });
    await createTopic(cluster, { name: this.topic, partitions: PARTITIONS, replicationFactor: 1 });
    cluster.close();
    await this.send();
    await until('the first record', async () => (await this.consumer.poll(200)).length > 0);
  }

  async send(): Promise<void> {
    const producer = new Producer({ bootstrapServers: this.bootstrapServers });
    for (let partition = 0; partition < PARTITIONS; partition++)
      await producer.send({ topic: this.topic, partition, value: Buffer.from(`v${partition}`) });
    await producer.close();
  }

  /** Nothing of this process goes on but its threads. */
  block(durationMs: number): void {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
  }

  /** In the name of the place that it has, or had. */
  commit(): Promise<void> {
    return this.consumer.commit([{ ...this.consumer.assignment[0]!, offset: 1 }]);
  }
}

function keepsCase(groupProtocol: 'classic' | 'consumer', blockMs: number): Case {
  return {
    name: `${groupProtocol}: with a thread for heartbeats a handler may block the loop for longer than the session`,
    ...(groupProtocol === 'consumer' ? NEXT_GENERATION : {}),
    run: async (target) => {
      const member = new BlockedMember(target, `and-kept-${groupProtocol}`, {
        groupProtocol,
        heartbeatThread: true,
      });
      await member.begin();
      member.block(blockMs);
      await member.commit();
      assert.equal(member.consumer.assignment.length, PARTITIONS);
      assert.deepEqual(member.lost, []);
      assert.equal(member.consumer.metrics().partitionsLost, 0);
      await member.send();
      await until('reading goes on', async () => (await member.consumer.poll(200)).length > 0);
      await member.consumer.close();
    },
  };
}

const NEXT_GENERATION = { needs: consumerGroupHeartbeatApi, refusedBy: ['kafka-3.9'] };

const LOSES: Case = {
  name: 'without the thread the same handler loses its partitions, and the next commit is refused',
  run: async (target) => {
    const member = new BlockedMember(target, 'and-lost', { sessionTimeoutMs: LOST_SESSION_MS });
    await member.begin();
    member.block(2 * LOST_SESSION_MS);
    await assert.rejects(member.commit(), (error) => error instanceof KafkaError);
    await until('told', async () => {
      await member.consumer.poll(100);
      return member.lost.length === PARTITIONS;
    });
    await member.consumer.close();
  },
};

const TOO_LONG: Case = {
  name: 'a handler that blocks the loop past maxPollIntervalMs has left the group, thread or not',
  run: async (target) => {
    const member = new BlockedMember(target, 'for-too-long', {
      heartbeatThread: true,
      maxPollIntervalMs: 1_500,
    });
    await member.begin();
    const cluster = new Cluster({ bootstrapServers: target.bootstrap });
    await describeGroup(cluster, member.groupId);
    member.block(5_000);
    await assert.rejects(member.commit());
    await until('told, and back', async () => {
      await member.consumer.poll(100);
      return member.lost.length === PARTITIONS && member.consumer.assignment.length === PARTITIONS;
    });
    cluster.close();
    await member.consumer.close();
  },
};

/** Starting Java takes some seconds. */
const JAVA_JOINS_WITHIN_MS = 9_000;

const REBALANCE: Case = {
  name: 'Java joins while the loop is blocked: both have their share once it lives again, and nothing was lost',
  run: async (target) => {
    const member = new BlockedMember(target, 'while-Java-joins', { heartbeatThread: true });
    await member.begin();
    await member.commit();
    const java = new JavaMember(target.bootstrap, member.groupId, member.topic, 'range');
    try {
      member.block(JAVA_JOINS_WITHIN_MS);
      assert.deepEqual(member.lost, []);
      await until('shared', async () => {
        await member.consumer.poll(100);
        return member.consumer.assignment.length === PARTITIONS / 2;
      });
      assert.deepEqual(member.lost, []);
    } finally {
      await java.stop();
      await member.consumer.close();
    }
  },
};

export const blockedLoopCases: readonly Case[] = [
  keepsCase('classic', 1.5 * KEPT_SESSION_MS),
  keepsCase('consumer', 1.5 * KEPT_SESSION_MS),
  LOSES,
  TOO_LONG,
  REBALANCE,
];
