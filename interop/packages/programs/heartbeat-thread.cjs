// The same in CommonJS.
const { GroupConsumer, Producer } = require('@odradek/client');

async function run(bootstrapServers) {
  const topic = 'blocked-by-commonjs';
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
    heartbeatThread: true,
  });
  for await (const record of consumer.records()) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3_000);
    await consumer.commit([{ topic, partition: record.partition, offset: record.offset + 1 }]);
    console.log(`lost ${consumer.metrics().partitionsLost}, joined ${consumer.metrics().rebalances} time`);
    break;
  }
  await consumer.close();
}

run(process.argv[2]);
