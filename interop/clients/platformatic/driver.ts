// The scenarios through @platformatic/kafka.
import { fileURLToPath } from 'node:url';
import {
  Admin,
  ConfigResourceTypes,
  Consumer,
  GenericError,
  IncrementalAlterConfigOperationTypes,
  Producer,
  type CompressionAlgorithmValue,
  type Message,
  type MessagesStream,
  type MessageToProduce,
  type ProducerOptions,
} from '@platformatic/kafka';
import { check, checkEqual, cycleBroker, runDriver, text, timeBase, waitUntil } from '../driver.ts';
import { ForkedMember } from '../forked-member.ts';
import { groupAcrossKill } from '../group-kill.ts';

type Content = Omit<MessageToProduce, 'topic'>;
type Stream = MessagesStream<Buffer, Buffer, Buffer, Buffer>;

const memberProgram = fileURLToPath(new URL('member.ts', import.meta.url));

const LATEST = -1n;
const EARLIEST = -2n;
const ACKS = [1, -1, 0] as const;

await runDriver((bootstrap) => {
  const base = { clientId: 'interop', bootstrapBrokers: [bootstrap], retryDelay: 100 };
  const admin = new Admin({ ...base, metadataMaxAge: 0, retries: 100 });

  const create = async (topic: string, partitions = 1) => {
    await admin.createTopics({ topics: [topic], partitions, replicas: 1 });
  };
  const withProducer = async <T>(
    use: (producer: Producer) => Promise<T>,
    options: Partial<ProducerOptions<Buffer, Buffer, Buffer, Buffer>> = {},
  ) => {
    const producer = new Producer({ ...base, ...options });
    try {
      return await use(producer);
    } finally {
      await producer.close();
    }
  };
  const send = async (producer: Producer, topic: string, contents: Content[], more = {}) => {
    const messages = contents.map((content) => ({ partition: 0, ...content, topic }));
    const { offsets } = await producer.send({ messages, ...more });
    return offsets?.[0]?.offset;
  };
  const produce = (topic: string, contents: Content[], more = {}) =>
    withProducer((producer) => send(producer, topic, contents, more));
  const produceTimed = async (topic: string, count: number) => {
    await create(topic);
    const sent = Array.from({ length: count }, (_, i) => ({
      key: Buffer.from(`key ${i}`),
      value: Buffer.from(`message ${i}`),
      timestamp: BigInt(timeBase + i * 1000),
    }));
    await withProducer(async (producer) => {
      for (let i = 0; i < count; i += 10) await send(producer, topic, sent.slice(i, i + 10));
    });
    return sent.map(({ value }) => value.toString());
  };

  const newConsumer = (groupId: string) =>
    new Consumer({
      ...base,
      groupId,
      sessionTimeout: 3000,
      heartbeatInterval: 500,
      rebalanceTimeout: 10_000,
      maxWaitTime: 200,
      autocommit: false,
    });
  const withConsumer = async <T>(groupId: string, use: (consumer: Consumer) => Promise<T>) => {
    const consumer = newConsumer(groupId);
    try {
      return await use(consumer);
    } finally {
      await consumer.close(true);
    }
  };
  const readFrom = (topic: string, offset: bigint, count: number) =>
    withConsumer(`${topic}-reader-${Date.now()}`, async (consumer) => {
      const offsets = [{ topic, partition: 0, offset }];
      return take(await consumer.consume({ topics: [topic], mode: 'manual', offsets }), count);
    });
  const readFromStart = (topic: string, count: number) =>
    withConsumer(`${topic}-reader-${Date.now()}`, async (consumer) =>
      take(await consumer.consume({ topics: [topic], mode: 'earliest' }), count),
    );
  const offsetAt = async (topic: string, timestamp: bigint) => {
    const [found] = await admin.listOffsets({
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp }] }],
    });
    return found?.partitions[0]?.offset;
  };
  const committed = async (groupId: string) => {
    const [group] = await admin.listConsumerGroupOffsets({ groups: [groupId] });
    return group?.topics[0]?.partitions[0]?.committedOffset;
  };

  const produceWith = (compression: CompressionAlgorithmValue) => async (topic: string) => {
    await create(topic);
    const sent: string[] = [];
    for (const acks of ACKS) {
      const batch = Array.from({ length: 200 }, (_, i) => text(sent.length + i, 1000));
      const contents = batch.map((value) => ({ value: Buffer.from(value) }));
      const offset = await produce(topic, contents, { acks, compression });
      if (acks !== 0) check(offset === BigInt(sent.length), `base offset ${sent.length}, got ${offset}`);
      sent.push(...batch);
      // What nobody answers for may still be on its way.
      if (acks === 0) {
        await waitUntil(
          'all arrived',
          10,
          async () => (await offsetAt(topic, LATEST)) === BigInt(sent.length),
        );
      }
    }
    checkEqual(values(await readFrom(topic, 0n, sent.length)), sent, 'the messages');
  };

  const idempotentAcross = (how: string) => async (topic: string) => {
    await create(topic);
    const sent: string[] = [];
    await withProducer(
      async (producer) => {
        let back: Promise<void> | undefined;
        for (let i = 0; i < 150; i++) {
          if (i === 50) back = cycleBroker(how);
          if (i === 100) await back;
          const batch = Array.from({ length: 20 }, (_, at) => `message ${i * 20 + at}`);
          const contents = batch.map((value) => ({ value: Buffer.from(value) }));
          const offset = await send(producer, topic, contents);
          check(offset === BigInt(sent.length), `base offset ${sent.length}, got ${offset}`);
          sent.push(...batch);
        }
      },
      { idempotent: true },
    );
    checkEqual(values(await readFrom(topic, 0n, 3000)), sent, 'each message once, in order');
    check((await offsetAt(topic, LATEST)) === 3000n, 'end offset 3000');
  };

  return {
    'create-topic': async (topic) => {
      await create(topic, 3);
      const metadata = await admin.metadata({ topics: [topic], forceUpdate: true });
      checkEqual(metadata.topics.get(topic)?.partitionsCount, 3, 'partitions');
      check((await admin.listTopics()).includes(topic), 'the topic is listed');
      await refused('TOPIC_ALREADY_EXISTS', () => create(topic, 3));
      await refused('INVALID_PARTITIONS', () => create(`${topic}-zero`, 0));
      await refused('INVALID_REPLICATION_FACTOR', () =>
        admin.createTopics({ topics: [`${topic}-five`], partitions: 1, replicas: 5 }),
      );
    },
    'produce-none': produceWith('none'),
    'produce-gzip': produceWith('gzip'),
    'produce-snappy': produceWith('snappy'),
    'produce-lz4': produceWith('lz4'),
    'produce-zstd': produceWith('zstd'),
    'consume-start': async (topic) => {
      const sent = await produceTimed(topic, 100);
      checkEqual(values(await readFromStart(topic, 100)), sent, 'messages');
    },
    'consume-offset': async (topic) => {
      const sent = await produceTimed(topic, 100);
      checkEqual(values(await readFrom(topic, 42n, 58)), sent.slice(42), 'messages');
    },
    'consume-time': async (topic) => {
      const sent = await produceTimed(topic, 100);
      const timestamp = BigInt(timeBase + 42_000 - 500);
      const found = await withConsumer(`${topic}-times`, (consumer) =>
        consumer.listOffsetsWithTimestamps({ topics: [topic], timestamp }),
      );
      const first = found.get(topic)?.get(0);
      check(first?.offset === 42n, `offset 42, got ${first?.offset}`);
      check(first.timestamp === BigInt(timeBase + 42_000), `its timestamp, got ${first.timestamp}`);
      checkEqual(values(await readFrom(topic, first.offset, 58)), sent.slice(42), 'messages');
    },
    'group-of-three': async (topic) => {
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
        const sent = Array.from({ length: 60 }, (_, i) => `message ${i}`);
        const contents = sent.map((value, i) => ({ value: Buffer.from(value), partition: i % 6 }));
        await produce(topic, contents);
        const got = () => members.flatMap((member) => member.values);
        await waitUntil('sixty messages', 20, () => got().length >= 60);
        checkEqual(got().toSorted(), sent.toSorted(), 'each message once');
      } finally {
        for (const member of members) await member.kill();
      }
    },
    'group-kill': async (topic) => {
      await create(topic, 2);
      const group = `${topic}-group`;
      const member = () => new ForkedMember(memberProgram, bootstrap, topic, group);
      await withProducer(
        (producer) =>
          groupAcrossKill({
            members: [member(), member()],
            send: (value, partition) => send(producer, topic, [{ value: Buffer.from(value), partition }]),
            committed: async () => {
              const [answer] = await admin.listConsumerGroupOffsets({ groups: [group] });
              const partitions = answer?.topics[0]?.partitions ?? [];
              return new Map(
                partitions.map(({ partitionIndex, committedOffset }) => [
                  partitionIndex,
                  Number(committedOffset),
                ]),
              );
            },
          }),
        { idempotent: true },
      );
    },
    'commit-resume': async (topic) => {
      const sent = await produceTimed(topic, 100);
      const group = `${topic}-group`;
      const takeCommitted = (count: number, commit: boolean) =>
        withConsumer(group, async (consumer) => {
          const stream = await consumer.consume({
            topics: [topic],
            mode: 'committed',
            fallbackMode: 'earliest',
          });
          const messages = await take(stream, count);
          if (commit) await messages.at(-1)!.commit();
          return values(messages);
        });
      checkEqual(await takeCommitted(30, true), sent.slice(0, 30), 'the first thirty');
      check((await committed(group)) === 30n, 'committed 30');
      checkEqual(await takeCommitted(70, false), sent.slice(30), 'the rest');
    },
    headers: async (topic) => {
      await create(topic);
      const names = ['a', 'a', 'empty', 'null'];
      const contents = ['1', '2', '', null];
      // A map of buffers, each of them a key of its own: so a name may come twice. Null is not in its
      // types and goes through its writer.
      const headers = new Map(
        names.map((name, i) => [
          Buffer.from(name),
          contents[i] === null ? (null as unknown as Buffer) : Buffer.from(contents[i]!),
        ]),
      );
      await produce(topic, [{ value: Buffer.from('v'), headers }]);
      const [message] = await readFrom(topic, 0n, 1);
      const got = [...message!.headers].map(([name, value]) => [
        name.toString(),
        (value as Buffer | undefined)?.toString() ?? null,
      ]);
      checkEqual(
        got,
        names.map((name, i) => [name, contents[i]]),
        'headers',
      );
    },
    'nulls-and-tombstones': async (topic) => {
      await create(topic);
      const sent: [string | null, string | null][] = [
        [null, 'x'],
        ['k', null],
        ['', ''],
        [null, null],
      ];
      const contents = sent.map(([key, value]) => ({
        ...(key === null ? {} : { key: Buffer.from(key) }),
        ...(value === null ? {} : { value: Buffer.from(value) }),
      }));
      await produce(topic, contents);
      const got = (await readFrom(topic, 0n, 4)).map((message) =>
        [message.key, message.value].map((part) => (part as Buffer | undefined)?.toString() ?? null),
      );
      checkEqual(got, sent, 'keys and values');
    },
    'message-1mb': async (topic) => {
      await create(topic);
      const value = text(1, 1_000_000);
      await produce(topic, [{ value: Buffer.from(value) }]);
      checkEqual(values(await readFrom(topic, 0n, 1)), [value], 'the message');
    },
    'message-too-large': async (topic) => {
      await create(topic);
      await refused('MESSAGE_TOO_LARGE', () => produce(topic, [{ value: Buffer.from(text(1, 1_100_000)) }]));
      const after = await produce(topic, [{ value: Buffer.from('after') }]);
      check(after === 0n, `offset 0 of the next message, got ${after}`);
    },
    'idempotent-kill': idempotentAcross('kill'),
    'idempotent-restart': idempotentAcross('restart'),
    'delete-records': async (topic) => {
      const sent = await produceTimed(topic, 50);
      const deleteBefore = (offset: bigint) =>
        admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset }] }] });
      const [deleted] = await deleteBefore(20n);
      check(deleted?.partitions[0]?.lowWatermark === 20n, 'low watermark 20');
      check((await offsetAt(topic, EARLIEST)) === 20n, 'earliest offset 20');
      await refused('OFFSET_OUT_OF_RANGE', () => deleteBefore(1000n));
      checkEqual(values(await readFromStart(topic, 30)), sent.slice(20), 'messages');
    },
    'admin-configs': async (topic) => {
      await admin.createTopics({
        topics: [topic],
        partitions: 1,
        replicas: 1,
        configs: [{ name: 'max.message.bytes', value: '2000000' }],
      });
      const { SET, DELETE } = IncrementalAlterConfigOperationTypes;
      const name = 'retention.ms';
      const alter = (
        config: { configOperation: typeof SET; value: string } | { configOperation: typeof DELETE },
      ) =>
        admin.incrementalAlterConfigs({
          resources: [
            { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configs: [{ name, ...config }] },
          ],
        });
      const described = async (setting: string) => {
        const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic };
        const [answer] = await admin.describeConfigs({ resources: [resource] });
        return answer?.configs.find((config) => config.name === setting)?.value;
      };
      checkEqual(await described('max.message.bytes'), '2000000', 'the setting given at creation');
      await alter({ configOperation: SET, value: '12345' });
      checkEqual(await described(name), '12345', name);
      await alter({ configOperation: DELETE });
      checkEqual(await described(name), '604800000', `${name} by default`);
      await refused('INVALID_CONFIG', () => alter({ configOperation: SET, value: 'soon' }));
      const { brokers } = await admin.metadata({});
      const broker = String([...brokers.keys()][0]);
      const [answer] = await admin.describeConfigs({
        resources: [{ resourceType: ConfigResourceTypes.BROKER, resourceName: broker }],
      });
      check(
        answer?.configs.some((config) => config.name === 'num.network.threads') === true,
        'the settings of the broker',
      );
    },
    'admin-partitions': async (topic) => {
      await create(topic, 2);
      await admin.createPartitions({ topics: [{ name: topic, count: 4 }] });
      await waitUntil('four partitions', 10, async () => {
        const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true });
        return topics.get(topic)?.partitionsCount === 4;
      });
      await refused('INVALID_PARTITIONS', () =>
        admin.createPartitions({ topics: [{ name: topic, count: 1 }] }),
      );
    },
    'admin-groups': async (topic) => {
      await produceTimed(topic, 10);
      const group = `${topic}-group`;
      const state = async () => (await admin.describeGroups({ groups: [group] })).get(group)?.state;
      await withConsumer(group, async (consumer) => {
        const stream = await consumer.consume({ topics: [topic], mode: 'earliest' });
        await (await take(stream, 10)).at(-1)!.commit();
        checkEqual(await state(), 'Stable', 'state of the group with a member');
      });
      check((await admin.listGroups()).has(group), 'the group is listed');
      checkEqual(await state(), 'Empty', 'state of the group without members');
      check((await committed(group)) === 10n, 'committed 10');
      await admin.alterConsumerGroupOffsets({
        groupId: group,
        topics: [{ name: topic, partitionOffsets: [{ partition: 0, offset: 3n }] }],
      });
      check((await committed(group)) === 3n, 'offset reset to 3');
      await admin.deleteGroups({ groups: [group] });
      check(!(await admin.listGroups()).has(group), 'the group is gone');
    },
    'admin-cluster': async (topic) => {
      await produceTimed(topic, 10);
      const { id, brokers, controllerId } = await admin.metadata({});
      check(id.length > 0 && brokers.size === 1, 'a cluster id and one broker');
      check(brokers.has(controllerId), 'a controller');
      const [broker] = await admin.describeLogDirs({ topics: [{ name: topic, partitions: [0] }] });
      const size = broker?.results[0]?.topics[0]?.partitions[0]?.partitionSize ?? 0n;
      check(size > 0n, `the size of the log, got ${size}`);
    },
    'admin-offsets': async (topic) => {
      await produceTimed(topic, 20);
      check((await offsetAt(topic, EARLIEST)) === 0n, 'earliest offset 0');
      check((await offsetAt(topic, LATEST)) === 20n, 'latest offset 20');
      check((await offsetAt(topic, BigInt(timeBase + 7000))) === 7n, 'offset 7 of its timestamp');
    },
    'delete-topic': async (topic) => {
      await produceTimed(topic, 10);
      await admin.deleteTopics({ topics: [topic] });
      await waitUntil('the topic is gone', 20, async () => !(await admin.listTopics()).includes(topic));
      await waitUntil('the topic can be created again', 20, () =>
        create(topic).then(
          () => true,
          () => false,
        ),
      );
      check((await produce(topic, [{ value: Buffer.from('x') }])) === 0n, 'first offset 0');
    },
  };
});

function values(messages: readonly Message[]): string[] {
  return messages.map(({ value }) => value.toString());
}

/** The first messages of a stream, which is closed then. */
async function take(stream: Stream, count: number): Promise<Message[]> {
  const messages: Message[] = [];
  let failure: Error | undefined;
  stream.on('error', (error) => (failure = error));
  stream.on('data', (message) => messages.push(message));
  await waitUntil(`${count} messages`, 30, () => {
    if (failure !== undefined) throw failure;
    return messages.length >= count;
  });
  await stream.close();
  return messages.slice(0, count);
}

async function refused(name: string, call: () => Promise<unknown>): Promise<void> {
  let thrown: unknown;
  try {
    await call();
  } catch (error) {
    thrown = error;
  }
  check(thrown !== undefined, `${name}, got success`);
  const found = GenericError.isGenericError(thrown as Error)
    ? (thrown as GenericError).findBy('apiId', name)
    : null;
  check(found !== null, `${name}, got ${String(thrown)}`);
}
