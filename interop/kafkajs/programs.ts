// Programs as they are written for KafkaJS. Each returns what a user sees of it, names of topics left out.
import { Cluster, createTopic, listOffsets } from '@odradek/client/index.ts';
import type * as Ours from '@odradek/kafkajs/index.ts';

/** KafkaJS or ours: the programs know no difference. */
export type Library = Pick<typeof Ours, 'Kafka' | 'CompressionTypes' | 'logLevel' | 'Partitioners'>;

export interface Place {
  readonly library: Library;
  readonly broker: string;
  /** Another for each run. */
  readonly name: string;
}

export interface Program {
  readonly name: string;
  readonly needsTransactions?: boolean;
  readonly run: (place: Place) => Promise<unknown>;
}

function kafkaAt({ library, broker }: Place): Ours.Kafka {
  const { Kafka, logLevel } = library;
  return new Kafka({
    clientId: 'program',
    brokers: [broker],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50, retries: 15 },
  });
}

async function withAdmin<Result>(
  kafka: Ours.Kafka,
  work: (admin: Ours.Admin) => Promise<Result>,
  retries = 15,
): Promise<Result> {
  const admin = kafka.admin({ retry: { retries } });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/**
 * Topics whose leaders all know of them. Else some refuse what KafkaJS sends, it sends all of it again, and what the others
 * took is there twice; that, and not an answer, is then what the two would differ in.
 */
async function makeTopics(broker: string, names: readonly string[], partitions: number): Promise<void> {
  const cluster = new Cluster({ bootstrapServers: broker });
  for (const name of names) await createTopic(cluster, { name, partitions });
  const all = names.flatMap((topic) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic, partition, at: 'latest' as const })),
  );
  await listOffsets(cluster, all);
  cluster.close();
}

/** Consumes until so many messages have come, and disconnects. */
async function consumed(
  kafka: Ours.Kafka,
  { groupId, topics }: { groupId: string; topics: (string | RegExp)[] },
  count: number,
): Promise<{ partition: number; offset: string; key: string; value: string }[]> {
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 200 });
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true });
  const got: { partition: number; offset: string; key: string; value: string }[] = [];
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        eachMessage: async ({ partition, message: { key, value, offset } }) => {
          got.push({ partition, offset, key: String(key), value: String(value) });
          await Promise.resolve();
          if (got.length === count) resolve();
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return got.toSorted((a, b) => a.partition - b.partition || Number(a.offset) - Number(b.offset));
}

function shown(error: unknown): object {
  const { name, type, code, retriable } = error as {
    name: string;
    type?: string;
    code?: number;
    retriable?: boolean;
  };
  return { name, type, code, retriable };
}

export const PROGRAMS: readonly Program[] = [
  {
    name: 'keys, headers and compression: the same partitions, offsets and results',
    async run(place) {
      const kafka = kafkaAt(place);
      const topic = place.name;
      await makeTopics(place.broker, [topic], 3);
      const producer = kafka.producer({ createPartitioner: place.library.Partitioners.DefaultPartitioner });
      await producer.connect();
      const messages = Array.from({ length: 20 }, (_, index) => ({
        key: `key-${index}`,
        value: `value-${index}`,
        headers: { index: String(index) },
      }));
      const plain = await producer.send({ topic, messages });
      const packed = await producer.send({
        topic,
        messages,
        compression: place.library.CompressionTypes.GZIP,
      });
      await producer.disconnect();
      const results = [...plain, ...packed].map(({ partition, baseOffset, errorCode }) => [
        partition,
        baseOffset,
        errorCode,
      ]);
      const got = await consumed(kafka, { groupId: `g-${topic}`, topics: [topic] }, 40);
      const offsets = await withAdmin(kafka, (admin) =>
        admin.fetchOffsets({ groupId: `g-${topic}`, topics: [topic] }),
      );
      const committed = offsets[0]!.partitions.toSorted((a, b) => a.partition - b.partition);
      return { results: results.toSorted(), got, committed };
    },
  },
  {
    name: 'the legacy partitioner: the same partitions',
    async run(place) {
      const kafka = kafkaAt(place);
      const topic = place.name;
      await makeTopics(place.broker, [topic], 7);
      const producer = kafka.producer({ createPartitioner: place.library.Partitioners.LegacyPartitioner });
      await producer.connect();
      const messages = Array.from({ length: 50 }, (_, index) => ({
        key: `k${index * 7919}`,
        value: String(index),
      }));
      await producer.send({ topic, messages });
      await producer.disconnect();
      return consumed(kafka, { groupId: `g-${topic}`, topics: [topic] }, 50);
    },
  },
  {
    name: 'batches with offsets resolved and committed by hand',
    async run(place) {
      const kafka = kafkaAt(place);
      const topic = place.name;
      await makeTopics(place.broker, [topic], 1);
      const producer = kafka.producer();
      await producer.connect();
      await producer.send({
        topic,
        messages: Array.from({ length: 9 }, (_, index) => ({ value: String(index) })),
      });
      await producer.disconnect();
      const groupId = `g-${topic}`;
      const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 200 });
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      const seen: unknown[] = [];
      await new Promise<void>((resolve, reject) => {
        consumer
          .run({
            autoCommit: false,
            eachBatchAutoResolve: false,
            eachBatch: async ({ batch, resolveOffset, heartbeat }) => {
              const { messages, highWatermark } = batch;
              seen.push({
                first: batch.firstOffset(),
                last: batch.lastOffset(),
                lag: batch.offsetLagLow(),
                highWatermark,
              });
              const done = messages[Math.min(3, messages.length - 1)]!;
              resolveOffset(done.offset);
              await heartbeat();
              if (seen.length < 3) return;
              await consumer.commitOffsets([
                { topic, partition: 0, offset: String(Number(done.offset) + 1) },
              ]);
              resolve();
            },
          })
          .catch(reject);
      });
      await consumer.disconnect();
      const committed = await withAdmin(kafka, (admin) => admin.fetchOffsets({ groupId, topics: [topic] }));
      return { seen: seen.slice(0, 3), committed: committed[0]!.partitions };
    },
  },
  {
    name: 'topics by a pattern; a second consumer of the group goes on where the first ended',
    async run(place) {
      const kafka = kafkaAt(place);
      const names = ['a', 'b'].map((suffix) => `${place.name}-${suffix}`);
      await makeTopics(place.broker, names, 1);
      const producer = kafka.producer();
      await producer.connect();
      const round = (text: string): Promise<unknown> =>
        producer.sendBatch({
          topicMessages: names.map((topic) => ({ topic, messages: [{ value: `${text}${topic.at(-1)}` }] })),
        });
      await round('first-');
      const group = { groupId: `g-${place.name}`, topics: [new RegExp(`^${place.name}-`)] };
      const before = await consumed(kafka, group, 2);
      await round('second-');
      const after = await consumed(kafka, group, 2);
      await producer.disconnect();
      return [before, after].map((got) => got.map(({ value }) => value).toSorted());
    },
  },
  {
    name: 'offsets set and reset, topics grown, described and deleted',
    async run(place) {
      const kafka = kafkaAt(place);
      const topic = place.name;
      return withAdmin(kafka, async (admin) => {
        const outcome: unknown[] = [];
        const topics = [
          { topic, numPartitions: 1, configEntries: [{ name: 'retention.ms', value: '123456' }] },
        ];
        outcome.push(await admin.createTopics({ topics }), await admin.createTopics({ topics }));
        await admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] });
        const { topics: described } = await admin.fetchTopicMetadata({ topics: [topic] });
        outcome.push(described[0]!.partitions.map(({ partitionId }) => partitionId).toSorted());
        const { resources } = await admin.describeConfigs({
          includeSynonyms: false,
          resources: [{ type: 2, name: topic, configNames: ['retention.ms'] }],
        });
        const { configName, configValue, isDefault } = resources[0]!.configEntries[0]!;
        outcome.push({ configName, configValue, isDefault });
        await admin.setOffsets({ groupId: `g-${topic}`, topic, partitions: [{ partition: 0, offset: '7' }] });
        const offsets = await admin.fetchOffsets({ groupId: `g-${topic}`, topics: [topic] });
        outcome.push(offsets[0]!.partitions.toSorted((a, b) => a.partition - b.partition));
        outcome.push(
          (await admin.describeGroups([`g-${topic}`])).groups.map(({ state, members }) => [
            state,
            members.length,
          ]),
        );
        outcome.push((await admin.deleteGroups([`g-${topic}`])).map(({ errorCode }) => errorCode));
        await admin.deleteTopics({ topics: [topic] });
        outcome.push((await admin.listTopics()).includes(topic));
        return outcome;
      });
    },
  },
  {
    name: 'errors that programs look at',
    async run(place) {
      const kafka = kafkaAt(place);
      const failed: object[] = [];
      const fails = async (call: () => Promise<unknown>): Promise<void> => {
        try {
          await call();
          failed.push({ name: 'none' });
        } catch (error) {
          failed.push(shown(error));
        }
      };
      const producer = kafka.producer();
      await fails(() => producer.send({ topic: place.name, messages: [{ value: 'v' }] }));
      await producer.connect();
      await fails(() => producer.send({ topic: place.name, messages: [{} as never] }));
      await producer.disconnect();
      await fails(() =>
        kafka.consumer({ groupId: 'g' }).commitOffsets([{ topic: 't', partition: 0, offset: '1' }]),
      );
      await withAdmin(
        kafka,
        async (admin) => {
          await fails(() => admin.createPartitions({ topicPartitions: [] }));
          await fails(() => admin.createTopics({ topics: [{ topic: 'not a name' }] }));
          await fails(() => admin.deleteGroups([`none-${place.name}`]));
        },
        1,
      );
      return failed;
    },
  },
  {
    name: 'transactions: what is committed is read, what is aborted is not',
    needsTransactions: true,
    async run(place) {
      const kafka = kafkaAt(place);
      const topic = place.name;
      await makeTopics(place.broker, [topic], 1);
      const groupId = `offsets-${topic}`;
      const producer = kafka.producer({
        transactionalId: `t-${topic}`,
        maxInFlightRequests: 1,
        idempotent: true,
      });
      await producer.connect();
      for (const [value, end] of [
        ['one', 'commit'],
        ['two', 'abort'],
        ['three', 'commit'],
      ] as const) {
        const transaction = await producer.transaction();
        await transaction.send({ topic, messages: [{ value }] });
        await transaction.sendOffsets({
          consumerGroupId: groupId,
          topics: [{ topic, partitions: [{ partition: 0, offset: String(value.length) }] }],
        });
        await transaction[end]();
      }
      await producer.disconnect();
      const got = await consumed(kafka, { groupId: `g-${topic}`, topics: [topic] }, 2);
      const offsets = await withAdmin(kafka, (admin) => admin.fetchOffsets({ groupId, topics: [topic] }));
      return { got, offsets: offsets[0]!.partitions };
    },
  },
];
