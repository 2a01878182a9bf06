// A module whose handler blocks the event loop for longer than its session. Where it is bundled the program of the
// thread lies where the second argument says.
import { GroupConsumer, Producer } from '@odradek/client';

const [bootstrapServers, program] = process.argv.slice(2);
const topic = `blocked-by-${program === undefined ? 'a-module' : 'a-bundle'}`;
const producer = new Producer({ bootstrapServers });
await producer.send({ topic, value: Buffer.from('slow') });
await producer.close();
const consumer = new GroupConsumer({
  bootstrapServers,
  groupId: topic,
  topics: [topic],
  offsetReset: 'earliest',
  sessionTimeoutMs: 2_000,
  heartbeatIntervalMs: 200,
  heartbeatThread: program === undefined ? true : new URL(program, import.meta.url),
});
for await (const record of consumer.records()) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3_000);
  await consumer.commit([{ topic, partition: record.partition, offset: record.offset + 1 }]);
  console.log(`lost ${consumer.metrics().partitionsLost}, joined ${consumer.metrics().rebalances} time`);
  break;
}
await consumer.close();
