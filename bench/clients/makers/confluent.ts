import {
  COMMIT_INTERVAL_MS,
  SESSION_TIMEOUT_MS,
  recordsPerCall,
  streamByCalls,
  type BenchClient,
  type ConsumerSettings,
  type ProducerSettings,
} from '../client.ts';
import { loadNative } from '../native-modules.ts';

/** What is used of it here. */
interface Confluent {
  readonly KafkaJS: {
    readonly Kafka: new (settings: object) => {
      producer(settings: object): ConfluentProducer;
      consumer(settings: object): ConfluentConsumer;
    };
    readonly logLevel: { readonly NOTHING: number };
  };
}

interface Value {
  readonly value: Buffer;
}

interface ConfluentProducer {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  send(batch: { topic: string; messages: readonly Value[] }): Promise<unknown>;
}

interface ConfluentConsumer {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  subscribe(to: { topic: string }): Promise<void>;
  run(handlers: {
    eachMessage?: (event: { message: Value }) => Promise<void>;
    eachBatch?: (event: { batch: { messages: readonly Value[] } }) => Promise<void>;
  }): Promise<void>;
}

function kafka(bootstrap: string): InstanceType<Confluent['KafkaJS']['Kafka']> {
  const { KafkaJS } = loadNative('@confluentinc/kafka-javascript') as Confluent;
  return new KafkaJS.Kafka({ kafkaJS: { brokers: [bootstrap], logLevel: KafkaJS.logLevel.NOTHING } });
}

async function produce(settings: ProducerSettings): ReturnType<BenchClient['produce']> {
  const { bootstrap, topic, lingerMs, batchBytes } = settings;
  const producer = kafka(bootstrap).producer({
    kafkaJS: { acks: -1, idempotent: true },
    'linger.ms': lingerMs,
    'batch.size': batchBytes,
  });
  await producer.connect();
  return {
    send: (value) => producer.send({ topic, messages: [{ value }] }),
    stream: (stream) =>
      streamByCalls(stream, recordsPerCall(settings, stream.value.length), (count) => {
        const messages = Array.from({ length: count }, () => ({ value: stream.value }));
        return producer.send({ topic, messages });
      }),
    close: () => producer.disconnect(),
  };
}

async function consume(settings: ConsumerSettings): ReturnType<BenchClient['consume']> {
  const { bootstrap, topic, groupId, handler, from, received } = settings;
  const consumer = kafka(bootstrap).consumer({
    kafkaJS: {
      groupId,
      fromBeginning: from === 'earliest',
      sessionTimeout: SESSION_TIMEOUT_MS,
      autoCommitInterval: COMMIT_INTERVAL_MS,
      maxWaitTimeInMs: 500,
    },
  });
  await consumer.connect();
  await consumer.subscribe({ topic });
  await consumer.run(
    handler === 'message'
      ? { eachMessage: async ({ message: { value } }) => received(1, value) }
      : { eachBatch: async ({ batch: { messages } }) => received(messages.length, messages.at(-1)!.value) },
  );
  return () => consumer.disconnect();
}

export const confluent: BenchClient = {
  setUp:
    '@confluentinc/kafka-javascript 1.10.1 (librdkafka) through its KafkaJS interface: send with arrays, several calls at a time; idempotent',
  hasBatches: true,
  produce,
  consume,
};
