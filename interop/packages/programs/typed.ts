// A program in TypeScript, checked strictly against the published declarations, which are checked with it.
import { GroupConsumer, Producer, type ConsumedRecord, type RecordMetadata } from '@odradek/client';

const bootstrapServers = process.argv[2] ?? '';
const topic = 'from-typescript';
const producer = new Producer({ bootstrapServers });
const value = Buffer.from('written by TypeScript');
const sent: RecordMetadata = await producer.send({ topic, value });
await producer.close();
const consumer = new GroupConsumer({
  bootstrapServers,
  groupId: topic,
  topics: [topic],
  offsetReset: 'earliest',
});
const records: AsyncIterable<ConsumedRecord> = consumer.records();
for await (const record of records) {
  if (record.offset !== sent.offset) continue;
  console.log(String(record.value));
  break;
}
await consumer.close();
