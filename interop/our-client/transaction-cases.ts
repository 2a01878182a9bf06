// Transactions of our producer, read by our consumer. Each case works with every Kafka that serves EndTxn.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Cluster,
  Consumer,
  GroupConsumer,
  Producer,
  ProducerFencedError,
  TransactionError,
  createTopic,
  listOffsets,
  type IsolationLevel,
  type ProducerOptions,
} from '@odradek/client/index.ts';
import { endTxnApi } from '@odradek/protocol/generated/apis/end-txn.ts';
import type { Target } from '../targets/target.ts';
import type { Case } from './case.ts';

const PARTITIONS = 3;

async function newTopic(target: Target, name: string): Promise<string> {
  const cluster = new Cluster({ bootstrapServers: target.bootstrap });
  await createTopic(cluster, { name, partitions: PARTITIONS, replicationFactor: 1 });
  cluster.close();
  return name;
}

function producerOf(
  target: Target,
  transactionalId: string,
  options: Partial<ProducerOptions> = {},
): Producer {
  return new Producer({ bootstrapServers: target.bootstrap, transactionalId, lingerMs: 0, ...options });
}

/** All values up to the present end, sorted. */
async function read(target: Target, topic: string, isolationLevel: IsolationLevel): Promise<string[]> {
  const consumer = new Consumer({ bootstrapServers: target.bootstrap, isolationLevel, fetchMaxWaitMs: 50 });
  const partitions = await consumer.partitionsOf(topic);
  const queries = partitions.map((partition) => ({ topic, partition, at: 'latest' as const }));
  const ends = await listOffsets(consumer.cluster, queries, isolationLevel);
  await consumer.assign(partitions.map((partition) => ({ topic, partition, from: 'earliest' })));
  const values: string[] = [];
  const isDone = (): boolean =>
    partitions.every(
      (partition) =>
        (consumer.position({ topic, partition }) ?? -1) >= ends.get(`${topic} ${partition}`)!.offset,
    );
  while (!isDone()) {
    for (const { records } of await consumer.poll(200))
      values.push(...records.map(({ value }) => String(value)));
  }
  await consumer.close();
  return values.toSorted();
}

async function sendTo(producer: Producer, topic: string, values: readonly string[]): Promise<void> {
  await Promise.all(
    values.map((value, i) => producer.send({ topic, partition: i % PARTITIONS, value: Buffer.from(value) })),
  );
}

const needs = endTxnApi;

export const transactionCases: readonly Case[] = [
  {
    name: 'transactions: committed, aborted, empty and committed again',
    needs,
    run: async (target) => {
      const topic = await newTopic(target, 'txn-basic');
      const producer = producerOf(target, 'txn-basic');
      await producer.initTransactions();
      producer.beginTransaction();
      await sendTo(producer, topic, ['a1', 'a2', 'a3', 'a4']);
      assert.deepEqual(await read(target, topic, 'read_committed'), [], 'nothing before the commit');
      await producer.commitTransaction();
      producer.beginTransaction();
      await sendTo(producer, topic, ['b1', 'b2', 'b3']);
      await producer.abortTransaction();
      for (const end of ['commitTransaction', 'abortTransaction'] as const) {
        producer.beginTransaction();
        await producer[end]();
      }
      for (let i = 0; i < 5; i++) {
        producer.beginTransaction();
        await sendTo(producer, topic, [`c${i}`]);
        await producer.commitTransaction();
      }
      await producer.close();
      const committed = ['a1', 'a2', 'a3', 'a4', 'c0', 'c1', 'c2', 'c3', 'c4'];
      assert.deepEqual(await read(target, topic, 'read_committed'), committed);
      const all = [...committed, 'b1', 'b2', 'b3'].toSorted();
      assert.deepEqual(await read(target, topic, 'read_uncommitted'), all);
    },
  },
  {
    name: 'transactions: a second producer with the id fences the first and ends what it left open',
    needs,
    run: async (target) => {
      const topic = await newTopic(target, 'txn-fence');
      const first = producerOf(target, 'txn-fence');
      await first.initTransactions();
      first.beginTransaction();
      await sendTo(first, topic, ['old']);
      const second = producerOf(target, 'txn-fence');
      await second.initTransactions();
      await second.transact(() => sendTo(second, topic, ['new']));
      await assert.rejects(first.commitTransaction(), ProducerFencedError);
      await assert.rejects(first.abortTransaction(), ProducerFencedError);
      await assert.rejects(first.send({ topic, value: null }), ProducerFencedError);
      await first.close();
      await second.transact(() => sendTo(second, topic, ['newer']));
      await second.close();
      assert.deepEqual(await read(target, topic, 'read_committed'), ['new', 'newer']);
    },
  },
  {
    name: 'transactions: a record that cannot be written keeps the others from being committed',
    needs,
    run: async (target) => {
      const topic = await newTopic(target, 'txn-lost-record');
      const producer = producerOf(target, 'txn-lost-record', { requestSizeMaxBytes: 4 * 1024 * 1024 });
      await producer.initTransactions();
      producer.beginTransaction();
      await sendTo(producer, topic, ['x', 'y']);
      // Larger than the broker takes; nobody looks at the promise.
      producer.send({ topic, partition: 0, value: Buffer.alloc(3_000_000) }).catch(() => undefined);
      await assert.rejects(producer.commitTransaction(), (error) => {
        return error instanceof TransactionError && error.recovery === 'abort';
      });
      await producer.abortTransaction();
      await producer.transact(() => sendTo(producer, topic, ['z1', 'z2', 'z3']));
      await producer.close();
      assert.deepEqual(await read(target, topic, 'read_committed'), ['z1', 'z2', 'z3']);
    },
  },
  {
    name: 'transactions: what is open too long is aborted by the broker, and the producer goes on after an abort',
    needs,
    run: async (target) => {
      const topic = await newTopic(target, 'txn-timeout');
      const producer = producerOf(target, 'txn-timeout', { transactionTimeoutMs: 1_000 });
      await producer.initTransactions();
      producer.beginTransaction();
      await sendTo(producer, topic, ['late']);
      // The broker looks for such transactions every 10 s.
      await sleep(12_500);
      const outcome = await producer.commitTransaction().then(
        () => null,
        (error: unknown) => error,
      );
      assert.ok(outcome instanceof TransactionError, String(outcome));
      assert.notEqual(outcome.recovery, 'none');
      if (outcome.recovery === 'abort') await producer.abortTransaction();
      await producer.close();
      const next = producerOf(target, 'txn-timeout');
      await next.transact(() => sendTo(next, topic, ['after']));
      await next.close();
      assert.deepEqual(await read(target, topic, 'read_committed'), ['after']);
    },
  },
  {
    name: 'transactions: consume, transform, produce; offsets go with the records, and back after an abort',
    needs,
    run: async (target) => {
      const input = await newTopic(target, 'txn-ctp-in');
      const output = await newTopic(target, 'txn-ctp-out');
      const filler = new Producer({ bootstrapServers: target.bootstrap });
      await sendTo(filler, input, ['1', '2', '3', '4', '5', '6']);
      await filler.close();
      const producer = producerOf(target, 'txn-ctp');
      const consumer = new GroupConsumer({
        bootstrapServers: target.bootstrap,
        groupId: 'txn-ctp',
        topics: [input],
        offsetReset: 'earliest',
        isolationLevel: 'read_committed',
        autoCommit: false,
      });
      let left = 6;
      let isFirst = true;
      while (left > 0) {
        const batches = (await consumer.poll(500)).filter(({ records }) => records.length > 0);
        if (batches.length === 0) continue;
        const values = batches.flatMap(({ records }) => records.map(({ value }) => `${String(value)}!`));
        const work = async (): Promise<void> => {
          await sendTo(producer, output, values);
          const offsets = batches.map(({ topic, partition, nextOffset }) => ({
            topic,
            partition,
            offset: nextOffset,
          }));
          await producer.sendOffsets(consumer.groupMetadata, offsets);
          if (isFirst) throw new Error('changed my mind');
        };
        try {
          await producer.transact(work);
          left -= values.length;
        } catch (error) {
          if (!isFirst) throw error;
          isFirst = false;
          await consumer.rewind();
        }
      }
      await consumer.close();
      await producer.close();
      assert.deepEqual(await read(target, output, 'read_committed'), ['1!', '2!', '3!', '4!', '5!', '6!']);
    },
  },
];
