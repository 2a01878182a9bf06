import { Consumer, listOffsets, partitionKey, type ConsumedRecord } from '@odradek/client';

/** Everything that is in a topic now. */
export async function recordsOf(bootstrapServers: string, topic: string): Promise<ConsumedRecord[]> {
  const consumer = new Consumer({ bootstrapServers, fetchMaxWaitMs: 50 });
  try {
    const partitions = (await consumer.partitionsOf(topic)).map((partition) => ({ topic, partition }));
    const ends = await listOffsets(
      consumer.cluster,
      partitions.map((at) => ({ ...at, at: 'latest' })),
    );
    await consumer.assign(partitions.map((at) => ({ ...at, from: 'earliest' })));
    const left = new Map(
      partitions.map((at) => [partitionKey(at), ends.get(partitionKey(at))!.offset] as const),
    );
    const records: ConsumedRecord[] = [];
    for (const [key, end] of left) if (end === 0) left.delete(key);
    while (left.size > 0) {
      for (const batch of await consumer.poll(1_000)) {
        for (const record of batch.records) {
          records.push({ topic, partition: batch.partition, ...record });
        }
        if (batch.nextOffset >= (left.get(partitionKey(batch)) ?? 0)) left.delete(partitionKey(batch));
      }
    }
    return records;
  } finally {
    await consumer.close();
  }
}
