// A program of modules, as a user of the packages writes it.
import { GroupConsumer, Producer } from '@odradek/client';

const bootstrapServers = process.argv[2];
const topic = 'from-esm';
const producer = new Producer({ bootstrapServers, compression: 'zstd' });
await producer.send({ topic, value: Buffer.from('written by a module') });
await producer.close();
const consumer = new GroupConsumer({
  bootstrapServers,
  groupId: topic,
  topics: [topic],
  offsetReset: 'earliest',
});
for await (const record of consumer.records()) {
  console.log(String(record.value));
  break;
}
await consumer.close();
