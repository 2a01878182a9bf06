import { once, type EventEmitter } from 'node:events';
import {
  COMMIT_INTERVAL_MS,
  SESSION_TIMEOUT_MS,
  Window,
  type BenchClient,
  type ConsumerSettings,
  type ProducerSettings,
} from '../client.ts';
import { loadNative } from '../native-modules.ts';

/** What is used of it here. */
interface RdKafka {
  readonly Producer: new (settings: object, topicSettings: object) => RdProducer;
  readonly KafkaConsumer: new (settings: object, topicSettings: object) => RdConsumer;
}

interface RdMessage {
  readonly value: Buffer;
}

interface RdProducer extends EventEmitter {
  connect(): void;
  disconnect(done: () => void): void;
  setPollInterval(intervalMs: number): void;
  produce(topic: string, partition: null, value: Buffer, key: null, timestamp: number, opaque: unknown): void;
  flush(timeoutMs: number, done: (error: Error | null) => void): void;
}

interface RdConsumer extends EventEmitter {
  connect(): void;
  disconnect(done: () => void): void;
  subscribe(topics: readonly string[]): void;
  consume(count: number, done: (error: Error | null, messages: readonly RdMessage[]) => void): void;
  setDefaultConsumeTimeout(timeoutMs: number): void;
}

/** How often delivery reports are asked for: the least that timers allow. */
const POLL_INTERVAL_MS = 1;
const FLUSH_TIMEOUT_MS = 30_000;
/** Records that one call for a batch may bring, and how long it waits for them. */
const BATCH_RECORDS = 1_000;
const BATCH_TIMEOUT_MS = 5;
const ERR_QUEUE_FULL = -184;

async function produce({
  bootstrap,
  topic,
  lingerMs,
  batchBytes,
}: ProducerSettings): ReturnType<BenchClient['produce']> {
  const { Producer } = loadNative('node-rdkafka') as RdKafka;
  const settings = {
    'metadata.broker.list': bootstrap,
    'linger.ms': lingerMs,
    'batch.size': batchBytes,
    'enable.idempotence': true,
    acks: -1,
    dr_cb: true,
  };
  const producer = new Producer(settings, {});
  producer.connect();
  await once(producer, 'ready');
  producer.setPollInterval(POLL_INTERVAL_MS);
  producer.on(
    'delivery-report',
    (error: Error | null, { opaque }: { opaque: (error: Error | null) => void }) => opaque(error),
  );
  return {
    send: (value) =>
      new Promise<void>((resolve, reject) => {
        const settled = (error: Error | null): void => (error === null ? resolve() : reject(error));
        producer.produce(topic, null, value, null, Date.now(), settled);
      }),
    stream: async ({ value, isOver, acknowledged }) => {
      const window = new Window();
      let failure: Error | null = null;
      const settled = (error: Error | null): void => {
        failure ??= error;
        acknowledged(1);
        window.leave();
      };
      while (!isOver()) {
        try {
          producer.produce(topic, null, value, null, Date.now(), settled);
        } catch (error) {
          if ((error as { code?: number }).code !== ERR_QUEUE_FULL) throw error;
          await new Promise((resolve) => setImmediate(resolve));
          continue;
        }
        const turn = window.enter();
        if (turn !== undefined) await turn;
      }
      await new Promise((resolve) => producer.flush(FLUSH_TIMEOUT_MS, resolve));
      await window.emptied();
      if (failure !== null) throw failure as Error;
    },
    close: () => new Promise<void>((resolve) => producer.disconnect(resolve)),
  };
}

async function consume(settings: ConsumerSettings): ReturnType<BenchClient['consume']> {
  const { bootstrap, topic, groupId, handler, from, received } = settings;
  const { KafkaConsumer } = loadNative('node-rdkafka') as RdKafka;
  const consumer = new KafkaConsumer(
    {
      'metadata.broker.list': bootstrap,
      'group.id': groupId,
      'session.timeout.ms': SESSION_TIMEOUT_MS,
      'auto.commit.interval.ms': COMMIT_INTERVAL_MS,
      'fetch.wait.max.ms': 500,
    },
    { 'auto.offset.reset': from },
  );
  let isClosed = false;
  consumer.connect();
  await once(consumer, 'ready');
  consumer.subscribe([topic]);
  const handle =
    handler === 'message'
      ? (messages: readonly RdMessage[]): void => {
          for (const { value } of messages) received(1, value);
        }
      : (messages: readonly RdMessage[]): void => received(messages.length, messages.at(-1)!.value);
  consumer.setDefaultConsumeTimeout(BATCH_TIMEOUT_MS);
  // Its flowing mode crashes when it is ended while records come (Blizzard/node-rdkafka#1057).
  const next = (): void =>
    consumer.consume(BATCH_RECORDS, (_, messages = []) => {
      if (isClosed) return;
      if (messages.length > 0) handle(messages);
      setImmediate(next);
    });
  next();
  return () => {
    isClosed = true;
    return new Promise<void>((resolve) => consumer.disconnect(resolve));
  };
}

export const nodeRdkafka: BenchClient = {
  setUp:
    'node-rdkafka 3.6.1 on the librdkafka of @confluentinc/kafka-javascript: produce with delivery reports, polled every millisecond; consume(1000), its flowing mode crashes at the end; idempotent',
  hasBatches: true,
  produce,
  consume,
};
