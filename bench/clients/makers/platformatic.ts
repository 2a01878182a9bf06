import { Consumer, ProduceAcks, Producer, MessagesStreamModes } from '@platformatic/kafka';
import {
  COMMIT_INTERVAL_MS,
  SESSION_TIMEOUT_MS,
  recordsPerCall,
  streamByCalls,
  type BenchClient,
  type ConsumerSettings,
  type ProducerSettings,
} from '../client.ts';

/** As all others have it. Its own is 50 MB, so that decoding one answer takes longer than what is measured. */
const PARTITION_FETCH_BYTES = 1024 * 1024;

async function produce(settings: ProducerSettings): ReturnType<BenchClient['produce']> {
  const { bootstrap, topic } = settings;
  const producer = new Producer({ clientId: 'bench', bootstrapBrokers: [bootstrap] });
  const acks = ProduceAcks.ALL;
  return {
    send: (value) => producer.send({ acks, messages: [{ topic, value }] }),
    stream: (stream) =>
      streamByCalls(stream, recordsPerCall(settings, stream.value.length), (count) => {
        const messages = Array.from({ length: count }, () => ({ topic, value: stream.value }));
        return producer.send({ acks, messages });
      }),
    close: () => producer.close(),
  };
}

async function consume(settings: ConsumerSettings): ReturnType<BenchClient['consume']> {
  const { bootstrap, topic, groupId, from, received } = settings;
  const consumer = new Consumer({
    clientId: 'bench',
    bootstrapBrokers: [bootstrap],
    groupId,
    sessionTimeout: SESSION_TIMEOUT_MS,
    autocommit: COMMIT_INTERVAL_MS,
    maxWaitTime: 500,
    maxBytesPerPartition: PARTITION_FETCH_BYTES,
  });
  const mode = from === 'earliest' ? MessagesStreamModes.EARLIEST : MessagesStreamModes.LATEST;
  const stream = await consumer.consume({ topics: [topic], mode });
  stream.on('data', ({ value }) => received(1, value));
  return () => consumer.close(true);
}

export const platformatic: BenchClient = {
  setUp:
    '@platformatic/kafka 2.12.1: send with arrays, several calls at a time (it has no linger but in a stream without acknowledgements); not idempotent; fetches of up to 1 MB of a partition, as the others',
  hasBatches: false,
  produce,
  consume,
};
