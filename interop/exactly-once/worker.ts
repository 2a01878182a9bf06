// Takes numbers from one topic and puts them into another, in transactions, until it is killed.
//   node interop/exactly-once/worker.ts BOOTSTRAP SLOT INPUT OUTPUT
import { setTimeout as sleep } from 'node:timers/promises';
import { GroupConsumer, Producer, TransactionError } from '@odradek/client/index.ts';

const [bootstrapServers = '', slot = '', input = '', output = ''] = process.argv.slice(2);

/** Few, so that there are many transactions to be killed in. */
const RECORDS_PER_TRANSACTION_MAX = 20;

/** What takes its time between the records and the commit. */
const WORK_MS = 10;

const consumer = new GroupConsumer({
  bootstrapServers,
  groupId: 'exactly-once',
  topics: [input],
  offsetReset: 'earliest',
  isolationLevel: 'read_committed',
  autoCommit: false,
  maxPollRecords: RECORDS_PER_TRANSACTION_MAX,
  sessionTimeoutMs: 1_500,
  heartbeatIntervalMs: 200,
  // One that comes back to its partitions; the others' are shared out anew with every kill.
  ...(slot === '0' ? { instanceId: 'worker-0' } : {}),
});
let producer = newProducer();

function newProducer(): Producer {
  return new Producer({ bootstrapServers, transactionalId: `worker-${slot}`, lingerMs: 0 });
}

for (;;) {
  const batches = (await consumer.poll(200)).filter(({ records }) => records.length > 0);
  if (batches.length === 0) continue;
  const work = async (): Promise<void> => {
    const sends = batches.flatMap(({ records }) =>
      records.map(({ value }) => producer.send({ topic: output, key: value, value })),
    );
    const offsets = batches.map(({ topic, partition, nextOffset }) => ({
      topic,
      partition,
      offset: nextOffset,
    }));
    await Promise.all(sends);
    await sleep(WORK_MS);
    await producer.sendOffsets(consumer.groupMetadata, offsets);
  };
  try {
    await producer.transact(work);
  } catch (error) {
    process.stderr.write(`${slot}: ${String(error)}\n`);
    if (error instanceof TransactionError && error.recovery === 'restart') {
      await producer.close(0);
      producer = newProducer();
    }
    await consumer.rewind();
  }
}
