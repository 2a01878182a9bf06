import { GroupConsumer, Producer } from '@odradek/client';
import {
  COMMIT_INTERVAL_MS,
  SESSION_TIMEOUT_MS,
  Window,
  type BenchClient,
  type ConsumerSettings,
  type ProducerSettings,
} from '../client.ts';

async function produce({
  bootstrap,
  topic,
  lingerMs,
  batchBytes,
}: ProducerSettings): ReturnType<BenchClient['produce']> {
  const producer = new Producer({
    bootstrapServers: bootstrap,
    acks: -1,
    idempotent: true,
    lingerMs,
    batchSizeBytes: batchBytes,
  });
  await producer.connect();
  return {
    send: (value) => producer.send({ topic, value }),
    stream: async ({ value, isOver, acknowledged }) => {
      const window = new Window();
      let failure: Error | null = null;
      const settled = (error: Error | null): void => {
        failure ??= error;
        acknowledged(1);
        window.leave();
      };
      while (!isOver()) {
        const room = producer.enqueue({ topic, value }, settled);
        if (room !== undefined) await room;
        const turn = window.enter();
        if (turn !== undefined) await turn;
      }
      await producer.flush();
      if (failure !== null) throw failure as Error;
    },
    close: () => producer.close(),
  };
}

async function consume(settings: ConsumerSettings): ReturnType<BenchClient['consume']> {
  const { bootstrap, topic, groupId, handler, from, received } = settings;
  const consumer = new GroupConsumer({
    bootstrapServers: bootstrap,
    groupId,
    topics: [topic],
    offsetReset: from,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    autoCommitIntervalMs: COMMIT_INTERVAL_MS,
  });
  const running = consumer.run(
    handler === 'message'
      ? { eachMessage: ({ value }) => received(1, value!) }
      : { eachBatch: ({ records }) => received(records.length, records.at(-1)!.value!) },
  );
  return async () => {
    await consumer.close();
    await running;
  };
}

export const odradek: BenchClient = {
  setUp: '@odradek/client: enqueue for streams, run for handlers; idempotent',
  hasBatches: true,
  produce,
  consume,
};
