import { Kafka, Partitioners, logLevel } from 'kafkajs';
import {
  COMMIT_INTERVAL_MS,
  SESSION_TIMEOUT_MS,
  recordsPerCall,
  streamByCalls,
  type BenchClient,
  type ConsumerSettings,
  type ProducerSettings,
} from '../client.ts';

function kafka(bootstrap: string): Kafka {
  return new Kafka({ clientId: 'bench', brokers: [bootstrap], logLevel: logLevel.NOTHING });
}

async function produce(settings: ProducerSettings): ReturnType<BenchClient['produce']> {
  const { bootstrap, topic } = settings;
  const producer = kafka(bootstrap).producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  const acks = -1;
  return {
    send: (value) => producer.send({ topic, acks, messages: [{ value }] }),
    stream: (stream) =>
      streamByCalls(stream, recordsPerCall(settings, stream.value.length), (count) => {
        const messages = Array.from({ length: count }, () => ({ value: stream.value }));
        return producer.send({ topic, acks, messages });
      }),
    close: () => producer.disconnect(),
  };
}

async function consume(settings: ConsumerSettings): ReturnType<BenchClient['consume']> {
  const { bootstrap, topic, groupId, handler, from, received } = settings;
  const consumer = kafka(bootstrap).consumer({
    groupId,
    sessionTimeout: SESSION_TIMEOUT_MS,
    maxWaitTimeInMs: 500,
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: from === 'earliest' });
  const autoCommitInterval = COMMIT_INTERVAL_MS;
  await consumer.run(
    handler === 'message'
      ? {
          autoCommitInterval,
          eachMessage: async ({ message }) => received(1, message.value!),
        }
      : {
          autoCommitInterval,
          eachBatch: async ({ batch: { messages } }) => received(messages.length, messages.at(-1)!.value!),
        },
  );
  return () => consumer.disconnect();
}

export const kafkajs: BenchClient = {
  setUp:
    'KafkaJS 2.2.4: send with arrays, several calls at a time (it has no linger); not idempotent, which it calls experimental',
  hasBatches: true,
  produce,
  consume,
};
