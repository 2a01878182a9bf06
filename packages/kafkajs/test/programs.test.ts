// Programs as they are written for KafkaJS, over the entry point.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { startBroker, type TestBroker } from '@odradek/testing';
import {
  CompressionTypes,
  Kafka,
  KafkaJSNonRetriableError,
  KafkaJSNumberOfRetriesExceeded,
  logLevel,
  type Consumer,
  type EachBatchPayload,
  type KafkaMessage,
} from '../src/index.ts';

let broker: TestBroker;
let kafka: Kafka;
const ends: (() => Promise<void>)[] = [];
let lastName = 0;

before(async () => {
  broker = await startBroker();
  kafka = new Kafka({
    clientId: 'test',
    brokers: [broker.bootstrapServers],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20, retries: 8 },
  });
});

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

after(() => broker.close());

function newName(what: string): string {
  return `${what}-${++lastName}`;
}

async function newTopic(partitions: number, values: readonly string[] = []): Promise<string> {
  const topic = newName('topic');
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }] });
  await admin.disconnect();
  if (values.length > 0) await produce(topic, values);
  return topic;
}

async function produce(topic: string, values: readonly string[], partition = 0): Promise<void> {
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic, messages: values.map((value) => ({ value, partition })) });
  await producer.disconnect();
}

async function newConsumer(topic: string, groupId = newName('group'), retries = 8): Promise<Consumer> {
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 50, retry: { initialRetryTime: 10, retries } });
  ends.push(() => consumer.disconnect());
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  return consumer;
}

async function committed(groupId: string, topic: string): Promise<string[]> {
  const admin = kafka.admin();
  await admin.connect();
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
  await admin.disconnect();
  return found!.partitions.map(({ offset }) => offset);
}

/** Resolves when it has been called so often. */
function countdown(count: number): { done: Promise<void>; note: () => void } {
  let left = count;
  let resolve = (): void => undefined;
  const done = new Promise<void>((resolved) => {
    resolve = resolved;
  });
  return {
    done,
    note: () => {
      left--;
      if (left === 0) resolve();
    },
  };
}

const textOf = ({ value }: KafkaMessage): string => String(value);

test('messages come with key, headers and text for numbers; disconnecting commits them', async () => {
  const topic = await newTopic(1);
  const producer = kafka.producer();
  await producer.connect();
  const timestamp = String(Date.now());
  const sent = await producer.sendBatch({
    compression: CompressionTypes.GZIP,
    topicMessages: [
      {
        topic,
        messages: [
          { key: 'k', value: 'v', timestamp, headers: { a: 'x', b: ['1', Buffer.from('2')] } },
          { key: null, value: null, timestamp },
        ],
      },
    ],
  });
  const zero = { errorCode: 0, baseOffset: '0', logAppendTime: '-1', logStartOffset: '0' };
  assert.deepEqual(sent, [{ topicName: topic, partition: 0, ...zero }]);
  await producer.disconnect();
  const got: KafkaMessage[] = [];
  const { done, note } = countdown(2);
  const groupId = newName('group');
  const consumer = await newConsumer(topic, groupId);
  await consumer.run({
    eachMessage: async ({ message }) => {
      got.push(message);
      note();
      await Promise.resolve();
    },
  });
  await done;
  await consumer.disconnect();
  assert.deepEqual(got, [
    {
      key: Buffer.from('k'),
      value: Buffer.from('v'),
      timestamp,
      attributes: 0,
      offset: '0',
      headers: { a: Buffer.from('x'), b: [Buffer.from('1'), Buffer.from('2')] },
    },
    { key: null, value: null, timestamp, attributes: 0, offset: '1', headers: {} },
  ]);
  assert.deepEqual(await committed(groupId, topic), ['2']);
});

test('a program need not wait for subscribe before it runs', async () => {
  const topic = await newTopic(1, ['one']);
  const consumer = kafka.consumer({ groupId: newName('group'), maxWaitTimeInMs: 50 });
  ends.push(() => consumer.disconnect());
  await consumer.connect();
  const { done, note } = countdown(1);
  const subscribed = consumer.subscribe({ topic, fromBeginning: true });
  const running = consumer.run({ eachMessage: async () => Promise.resolve(note()) });
  await Promise.all([subscribed, running, done]);
});

test('what a handler fails at comes again, and what was done before does not', async () => {
  const topic = await newTopic(1, ['a', 'b', 'c']);
  const seen: string[] = [];
  const { done, note } = countdown(5);
  const consumer = await newConsumer(topic);
  await consumer.run({
    eachMessage: async ({ message }) => {
      seen.push(textOf(message));
      note();
      await Promise.resolve();
      if (textOf(message) === 'b' && seen.length < 4) throw new TypeError('not yet');
    },
  });
  await done;
  assert.deepEqual(seen, ['a', 'b', 'b', 'b', 'c']);
});

test('a handler that fails for good crashes the consumer, which begins anew', async () => {
  const topic = await newTopic(1, ['a', 'b']);
  const seen: string[] = [];
  const crashes: { error: Error; restart: boolean }[] = [];
  const { done, note } = countdown(1);
  const consumer = await newConsumer(topic, newName('group'), 1);
  consumer.on(consumer.events.CRASH, ({ payload }) => void crashes.push(payload));
  await consumer.run({
    eachMessage: async ({ message }) => {
      seen.push(textOf(message));
      await Promise.resolve();
      if (textOf(message) === 'b' && crashes.length === 0) throw new Error('never');
      if (textOf(message) === 'b') note();
    },
  });
  await done;
  assert.deepEqual(seen, ['a', 'b', 'b', 'b']);
  assert.equal(crashes.length, 1);
  assert.ok(crashes[0]!.error instanceof KafkaJSNumberOfRetriesExceeded);
  assert.equal(crashes[0]!.error.message, 'never');
  assert.ok(crashes[0]!.restart);
});

test('without auto-resolve only what is resolved is done; the rest of the batch comes again', async () => {
  const topic = await newTopic(1, ['a', 'b', 'c']);
  const batches: string[][] = [];
  const { done, note } = countdown(2);
  const groupId = newName('group');
  const consumer = await newConsumer(topic, groupId);
  await consumer.run({
    eachBatchAutoResolve: false,
    eachBatch: async ({ batch, resolveOffset, heartbeat, uncommittedOffsets }: EachBatchPayload) => {
      batches.push(batch.messages.map(textOf));
      if (batches.length === 1) {
        assert.equal(batch.highWatermark, '3');
        assert.equal(batch.offsetLagLow(), '2');
        resolveOffset('1');
        assert.deepEqual(uncommittedOffsets(), {
          topics: [{ topic, partitions: [{ partition: 0, offset: '2' }] }],
        });
      } else {
        resolveOffset(batch.lastOffset());
      }
      await heartbeat();
      note();
    },
  });
  await done;
  await consumer.disconnect();
  assert.deepEqual(batches, [['a', 'b', 'c'], ['c']]);
  assert.deepEqual(await committed(groupId, topic), ['3']);
});

test('a handler that is told to stop loses nothing, although batches are resolved by themselves', async () => {
  const topic = await newTopic(1, ['a', 'b', 'c']);
  const { done, note } = countdown(1);
  const groupId = newName('group');
  const consumer = await newConsumer(topic, groupId);
  let stopping: Promise<void> | null = null;
  await consumer.run({
    eachBatch: async ({ batch, resolveOffset, isRunning }) => {
      for (const { offset } of batch.messages) {
        if (!isRunning()) break;
        resolveOffset(offset);
        stopping ??= Promise.resolve().then(() => consumer.stop());
        await new Promise(setImmediate);
      }
      note();
    },
  });
  await done;
  await stopping;
  assert.deepEqual(await committed(groupId, topic), ['1']);
});

test('seek goes back and forth, also before run is done; a paused partition waits', async () => {
  const topic = await newTopic(2, ['a', 'b', 'c']);
  await produce(topic, ['z'], 1);
  const seen: string[] = [];
  const first = countdown(1);
  const last = countdown(3);
  const consumer = await newConsumer(topic);
  const running = consumer.run({
    eachMessage: async ({ message }) => {
      seen.push(textOf(message));
      first.note();
      last.note();
      await Promise.resolve();
    },
  });
  consumer.pause([{ topic, partitions: [1] }]);
  consumer.seek({ topic, partition: 0, offset: '2' });
  await running;
  assert.deepEqual(consumer.paused(), [{ topic, partitions: [1] }]);
  await first.done;
  consumer.seek({ topic, partition: 0, offset: '2' });
  consumer.resume([{ topic }]);
  await last.done;
  const fromTwo = seen.filter((value) => value === 'c');
  assert.equal(fromTwo.length, 2);
  assert.ok(seen.includes('z'));
});

test('two members share a topic, and hand it over without reading anything twice', async () => {
  const values = Array.from({ length: 40 }, (_, index) => `v${index}`);
  const topic = await newTopic(2, values.slice(0, 20));
  await produce(topic, values.slice(20), 1);
  const groupId = newName('group');
  const seen: string[] = [];
  const { done, note } = countdown(values.length);
  const eachMessage = async ({ message }: { message: KafkaMessage }): Promise<void> => {
    seen.push(textOf(message));
    await new Promise(setImmediate);
    note();
  };
  const first = await newConsumer(topic, groupId);
  const second = await newConsumer(topic, groupId);
  await Promise.all([first.run({ eachMessage }), second.run({ eachMessage })]);
  await done;
  assert.deepEqual(seen.toSorted(), values.toSorted());
});

test('bad input is refused with the words that KafkaJS has for it', async () => {
  const producer = kafka.producer();
  await assert.rejects(
    producer.send({ topic: 't', messages: [{ value: 'v' }] }),
    /The producer is disconnected/,
  );
  const bad: [() => Promise<unknown>, RegExp][] = [
    [() => producer.send({ topic: '', messages: [] }), /Invalid topic/],
    [() => producer.send({ topic: 't', messages: [{} as never] }), /Invalid message without value/],
    [() => producer.send({ topic: 't', acks: 7, messages: [] }), /Invalid acks 7/],
    [() => producer.transaction(), /Must provide transactional id/],
    [() => new Kafka({ brokers: [] }).admin().connect(), /brokers array is empty/],
    [() => new Kafka({ brokers: [''] }).admin().connect(), /allowed is "host:port"/],
    [
      () => new Kafka({ brokers: ['h:1'], sasl: { mechanism: 'aws' } as never }).admin().connect(),
      /SASL AWS mechanism is not supported/,
    ],
  ];
  for (const [call, message] of bad) {
    await assert.rejects(call, (error) => {
      assert.ok(error instanceof KafkaJSNonRetriableError, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
  assert.throws(() => kafka.consumer({ groupId: '' }), /groupId must be a non-empty string/);
  const consumer = kafka.consumer({ groupId: 'g' });
  assert.throws(() => consumer.seek({ topic: 't', partition: 0, offset: 'x' }), /Invalid offset/);
  assert.throws(() => consumer.seek({ topic: 't', partition: 0, offset: '1' }), /run must be called first/);
  assert.throws(() => consumer.on('consumer.nothing' as never, () => undefined), /consumer\.events\.CRASH/);
});
