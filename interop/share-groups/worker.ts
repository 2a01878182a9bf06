// One member of a share group, to be killed. It writes down each record that it has handled, then each that the broker
// has confirmed as accepted: arguments are the address, the slot, the topic, the group and the file.
import { appendFileSync } from 'node:fs';
import { ShareConsumer } from '@odradek/client/index.ts';

const [bootstrapServers = '', slot = '', topic = '', groupId = '', file = ''] = process.argv.slice(2);

const consumer = new ShareConsumer({
  bootstrapServers,
  clientId: `worker-${slot}`,
  groupId,
  topics: [topic],
  maxPollRecords: 50,
  acknowledgeIntervalMs: 20,
  onAcknowledged: (outcomes) => {
    for (const { partition, verdict, offsets, error } of outcomes) {
      if (verdict !== 'accept' || error !== null) continue;
      appendFileSync(file, offsets.map((offset) => `accepted ${partition} ${offset}\n`).join(''));
    }
  },
});

await consumer.run({
  concurrency: 4,
  eachMessage: async ({ partition, offset, value }) => {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
    if (Math.random() < 0.02) throw new Error('by chance');
    appendFileSync(file, `handled ${partition} ${offset} ${String(value)}\n`);
  },
});
