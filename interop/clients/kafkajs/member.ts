// A member of a consumer group, started by ../forked-member.ts.
import kafkajs from 'kafkajs';
import { memberArguments, report } from '../forked-member.ts';

// CommonJS whose names Node cannot see.
const { Kafka, logLevel } = kafkajs;

const { bootstrap, topic, groupId } = memberArguments();
const kafka = new Kafka({
  brokers: [bootstrap],
  logLevel: logLevel.NOTHING,
  retry: { initialRetryTime: 100, retries: 12, maxRetryTime: 3000 },
});
const consumer = kafka.consumer({
  groupId,
  sessionTimeout: 3000,
  heartbeatInterval: 500,
  rebalanceTimeout: 10_000,
  maxWaitTimeInMs: 200,
});
consumer.on('consumer.group_join', ({ payload }) => {
  report({ assigned: payload.memberAssignment[topic]?.length ?? 0 });
});
await consumer.connect();
await consumer.subscribe({ topics: [topic], fromBeginning: true });
await consumer.run({
  autoCommit: false,
  eachMessage: async ({ partition, message }) => {
    report({ value: message.value?.toString() ?? '' });
    const committed = Number(message.offset) + 1;
    await consumer.commitOffsets([{ topic, partition, offset: String(committed) }]);
    report({ partition, committed });
  },
});
