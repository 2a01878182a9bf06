// The scenarios through KafkaJS.
import { fileURLToPath } from 'node:url';
import kafkajs, {
  type CompressionTypes as CompressionType,
  type Consumer,
  type KafkaMessage,
  type Message,
  type ProducerConfig,
} from 'kafkajs';
import { registerCodecs } from './codecs.ts';
import { ForkedMember } from '../forked-member.ts';
import { groupAcrossKill } from '../group-kill.ts';
import { check, checkEqual, cycleBroker, runDriver, text, timeBase, waitUntil } from '../driver.ts';

// CommonJS whose names Node cannot see.
const { CompressionTypes, ConfigResourceTypes, Kafka, KafkaJSProtocolError, logLevel } = kafkajs;

const memberProgram = fileURLToPath(new URL('member.ts', import.meta.url));

registerCodecs();

await runDriver((bootstrap) => {
  const kafka = new Kafka({
    clientId: 'interop',
    brokers: [bootstrap],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 100, retries: 12, maxRetryTime: 3000 },
  });
  const admin = kafka.admin();

  const create = async (topic: string, numPartitions = 1) => {
    await admin.createTopics({
      topics: [{ topic, numPartitions, replicationFactor: 1 }],
      waitForLeaders: true,
    });
  };
  const produce = async (topic: string, messages: Message[], config: ProducerConfig = {}, more = {}) => {
    const producer = kafka.producer(config);
    await producer.connect();
    try {
      return await producer.send({ topic, messages, ...more });
    } finally {
      await producer.disconnect();
    }
  };
  const produceTimed = async (topic: string, count: number) => {
    await create(topic);
    const messages = Array.from({ length: count }, (_, i) => ({
      key: `key ${i}`,
      value: `message ${i}`,
      timestamp: String(timeBase + i * 1000),
    }));
    for (let i = 0; i < count; i += 10) await produce(topic, messages.slice(i, i + 10));
    return messages.map((message) => message.value);
  };
  const newConsumer = (groupId: string) =>
    kafka.consumer({
      groupId,
      sessionTimeout: 3000,
      heartbeatInterval: 500,
      rebalanceTimeout: 10_000,
      maxWaitTimeInMs: 200,
    });
  const readFrom = async (topic: string, offset: string, count: number) => {
    const consumer = newConsumer(`${topic}-reader-${Date.now()}`);
    return take(consumer, topic, count, () => consumer.seek({ topic, partition: 0, offset }));
  };

  const produceWith = (compression: CompressionType) => async (topic: string) => {
    await create(topic);
    const sent: string[] = [];
    for (const acks of [1, -1, 0]) {
      const batch = Array.from({ length: 200 }, (_, i) => text(sent.length + i, 1000));
      const [answer] =
        (await produce(
          topic,
          batch.map((value) => ({ value })),
          {},
          { acks, compression },
        )) ?? [];
      if (acks !== 0) checkEqual(answer?.baseOffset, String(sent.length), 'base offset');
      sent.push(...batch);
    }
    checkEqual(values(await readFrom(topic, '0', sent.length)), sent, 'the messages');
  };

  const idempotentAcross = (how: string) => async (topic: string) => {
    await create(topic);
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    const sent: string[] = [];
    let back: Promise<void> | undefined;
    for (let i = 0; i < 150; i++) {
      if (i === 50) back = cycleBroker(how);
      if (i === 100) await back;
      const batch = Array.from({ length: 20 }, (_, at) => `message ${i * 20 + at}`);
      await producer.send({ topic, messages: batch.map((value) => ({ value })) });
      sent.push(...batch);
    }
    await producer.disconnect();
    checkEqual(values(await readFrom(topic, '0', 3000)), sent, 'each message once, in order');
    checkEqual((await admin.fetchTopicOffsets(topic))[0]?.high, '3000', 'end offset');
  };

  const scenarios = {
    'create-topic': async (topic: string) => {
      await create(topic, 3);
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      checkEqual(topics[0]?.partitions.length, 3, 'partitions');
      check(!(await admin.createTopics({ topics: [{ topic }] })), 'an existing topic is not created');
      await refused('INVALID_REPLICATION_FACTOR', () =>
        admin.createTopics({ topics: [{ topic: `${topic}-five`, replicationFactor: 5 }] }),
      );
    },
    'produce-none': produceWith(CompressionTypes.None),
    'produce-gzip': produceWith(CompressionTypes.GZIP),
    'produce-snappy': produceWith(CompressionTypes.Snappy),
    'produce-lz4': produceWith(CompressionTypes.LZ4),
    'produce-zstd': produceWith(CompressionTypes.ZSTD),
    'consume-start': async (topic: string) => {
      const sent = await produceTimed(topic, 100);
      checkEqual(values(await readFrom(topic, '-2', 100)), sent, 'messages');
    },
    'consume-offset': async (topic: string) => {
      const sent = await produceTimed(topic, 100);
      checkEqual(values(await readFrom(topic, '42', 58)), sent.slice(42), 'messages');
    },
    'consume-time': async (topic: string) => {
      const sent = await produceTimed(topic, 100);
      const [found] = await admin.fetchTopicOffsetsByTimestamp(topic, timeBase + 42_000 - 500);
      checkEqual(found?.offset, '42', 'offset');
      checkEqual(values(await readFrom(topic, '42', 58)), sent.slice(42), 'messages');
    },
    'group-of-three': async (topic: string) => {
      await create(topic, 6);
      const members = [0, 1, 2].map(
        () => new ForkedMember(memberProgram, bootstrap, topic, `${topic}-group`),
      );
      try {
        await waitUntil('two partitions each', 40, () => members.every((member) => member.assigned === 2));
        await members[2]!.kill();
        await waitUntil('three each of the two left', 40, () =>
          members.slice(0, 2).every((member) => member.assigned === 3),
        );
        const sent = Array.from({ length: 60 }, (_, i) => ({ value: `message ${i}`, partition: i % 6 }));
        await produce(topic, sent);
        const got = () => members.flatMap((member) => member.values);
        await waitUntil('sixty messages', 20, () => got().length >= 60);
        checkEqual(got().toSorted(), sent.map((message) => message.value).toSorted(), 'each message once');
      } finally {
        for (const member of members) await member.kill();
      }
    },
    'group-kill': async (topic: string) => {
      await create(topic, 2);
      const groupId = `${topic}-group`;
      const member = () => new ForkedMember(memberProgram, bootstrap, topic, groupId);
      const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
      await producer.connect();
      await groupAcrossKill({
        members: [member(), member()],
        send: (value, partition) => producer.send({ topic, messages: [{ value, partition }] }),
        committed: async () => {
          const [answer] = await admin.fetchOffsets({ groupId, topics: [topic] });
          return new Map(answer?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
        },
      });
      await producer.disconnect();
    },
    'commit-resume': async (topic: string) => {
      const sent = await produceTimed(topic, 100);
      const groupId = `${topic}-group`;
      await take(newConsumer(groupId), topic, 30);
      await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '3' }] });
      const committer = newConsumer(groupId);
      await committer.connect();
      await committer.subscribe({ topics: [topic] });
      await committer.run({ autoCommit: false, eachMessage: async () => {} });
      await waitUntil('a commit as a member', 20, async () => {
        try {
          await committer.commitOffsets([{ topic, partition: 0, offset: '30', metadata: 'thirty' }]);
          return true;
        } catch {
          return false;
        }
      });
      await committer.disconnect();
      const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] });
      checkEqual(committed?.partitions[0]?.offset, '30', 'committed');
      checkEqual(committed?.partitions[0]?.metadata, 'thirty', 'metadata');
      checkEqual(values(await take(newConsumer(groupId), topic, 70)), sent.slice(30), 'the rest');
    },
    headers: async (topic: string) => {
      await create(topic);
      await produce(topic, [{ value: 'v', headers: { a: ['1', '2'], empty: '' } }]);
      const [message] = await readFrom(topic, '0', 1);
      const got = Object.entries(message?.headers ?? {}).map(([name, value]) => `${name}=${String(value)}`);
      checkEqual(got, ['a=1,2', 'empty='], 'headers');
    },
    'nulls-and-tombstones': async (topic: string) => {
      await create(topic);
      const sent: [string | null, string | null][] = [
        [null, 'x'],
        ['k', null],
        ['', ''],
      ];
      await produce(
        topic,
        sent.map(([key, value]) => ({ key, value })),
      );
      const got = (await readFrom(topic, '0', 3)).map(({ key, value }) => [
        key?.toString() ?? null,
        value?.toString() ?? null,
      ]);
      checkEqual(got, sent, 'keys and values');
    },
    'message-1mb': async (topic: string) => {
      await create(topic);
      const value = text(1, 1_000_000);
      await produce(topic, [{ value }]);
      checkEqual(values(await readFrom(topic, '0', 1)), [value], 'the message');
    },
    'message-too-large': async (topic: string) => {
      await create(topic);
      await refused('MESSAGE_TOO_LARGE', () => produce(topic, [{ value: text(1, 1_100_000) }]));
      checkEqual(
        (await produce(topic, [{ value: 'after' }]))[0]?.baseOffset,
        '0',
        'offset of the next message',
      );
    },
    'idempotent-kill': idempotentAcross('kill'),
    'idempotent-restart': idempotentAcross('restart'),
    'delete-records': async (topic: string) => {
      const sent = await produceTimed(topic, 50);
      // Deleting looks for the leader in what the client already knows.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '20' }] });
      checkEqual((await admin.fetchTopicOffsets(topic))[0]?.low, '20', 'earliest offset');
      checkEqual(values(await readFrom(topic, '-2', 30)), sent.slice(20), 'messages');
    },
    'admin-configs': async (topic: string) => {
      await create(topic);
      const type = ConfigResourceTypes.TOPIC;
      const set = (value: string) =>
        admin.alterConfigs({
          validateOnly: false,
          resources: [{ type, name: topic, configEntries: [{ name: 'retention.ms', value }] }],
        });
      await set('12345');
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type, name: topic }],
      });
      const entry = resources[0]?.configEntries.find((each) => each.configName === 'retention.ms');
      checkEqual(entry?.configValue, '12345', 'retention.ms');
      await refused('INVALID_CONFIG', () => set('soon'));
    },
    'admin-partitions': async (topic: string) => {
      await create(topic, 2);
      await admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] });
      await waitUntil('four partitions', 10, async () => {
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
        return topics[0]?.partitions.length === 4;
      });
      await refused('INVALID_PARTITIONS', () =>
        admin.createPartitions({ topicPartitions: [{ topic, count: 1 }] }),
      );
    },
    'admin-groups': async (topic: string) => {
      await produceTimed(topic, 10);
      const groupId = `${topic}-group`;
      await take(newConsumer(groupId), topic, 10);
      const { groups } = await admin.listGroups();
      check(
        groups.some((group) => group.groupId === groupId),
        'the group is listed',
      );
      const { groups: described } = await admin.describeGroups([groupId]);
      checkEqual(described[0]?.state, 'Empty', 'state');
      await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '3' }] });
      const [reset] = await admin.fetchOffsets({ groupId, topics: [topic] });
      checkEqual(reset?.partitions[0]?.offset, '3', 'reset offset');
      await admin.deleteGroups([groupId]);
      const after = await admin.describeGroups([groupId]);
      checkEqual(after.groups[0]?.state, 'Dead', 'state after deletion');
    },
    'admin-cluster': async () => {
      const cluster = await admin.describeCluster();
      checkEqual(cluster.brokers.length, 1, 'brokers');
      check(cluster.clusterId.length > 0 && cluster.controller !== null, 'a controller and a cluster id');
    },
    'admin-offsets': async (topic: string) => {
      await produceTimed(topic, 20);
      const [offsets] = await admin.fetchTopicOffsets(topic);
      checkEqual([offsets?.low, offsets?.high], ['0', '20'], 'offsets');
      const [timed] = await admin.fetchTopicOffsetsByTimestamp(topic, timeBase + 7000);
      checkEqual(timed?.offset, '7', 'offset of a timestamp');
    },
    'delete-topic': async (topic: string) => {
      await produceTimed(topic, 10);
      await admin.deleteTopics({ topics: [topic] });
      await waitUntil('the topic is gone', 20, async () => !(await admin.listTopics()).includes(topic));
      await waitUntil('the topic can be created again', 20, () =>
        create(topic).then(
          () => true,
          () => false,
        ),
      );
      checkEqual((await produce(topic, [{ value: 'x' }]))[0]?.baseOffset, '0', 'first offset');
    },
  };
  return Object.fromEntries(
    Object.entries(scenarios).map(([name, run]) => [
      name,
      async (topic: string) => {
        await admin.connect();
        return run(topic);
      },
    ]),
  );
});

function values(messages: KafkaMessage[]): (string | undefined)[] {
  return messages.map((message) => message.value?.toString());
}

async function refused(type: string, call: () => Promise<unknown>): Promise<void> {
  let thrown: unknown;
  try {
    await call();
  } catch (error) {
    thrown = error;
  }
  check(thrown !== undefined, `${type}, got success`);
  const causes = [
    thrown,
    (thrown as { cause?: unknown }).cause,
    ...((thrown as { errors?: unknown[] }).errors ?? []),
  ];
  const types = causes.map((cause) => (cause instanceof KafkaJSProtocolError ? cause.type : String(cause)));
  check(types.includes(type), `${type}, got ${types.join(', ')}`);
}

/** Joins a group, reads that many messages of one partition, commits them and leaves. */
async function take(
  consumer: Consumer,
  topic: string,
  count: number,
  start = () => {},
): Promise<KafkaMessage[]> {
  const messages: KafkaMessage[] = [];
  await consumer.connect();
  try {
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message }) => {
        messages.push(message);
      },
    });
    start();
    await waitUntil(`${count} messages`, 30, () => messages.length >= count);
  } finally {
    await consumer.disconnect();
  }
  return messages.slice(0, count);
}
