import {
  Cluster,
  Consumer,
  Producer,
  createTopic,
  listOffsets,
  partitionKey,
  type ConsumedRecord,
  type ProducerRecord,
} from '@odradek/client';

/** Makes topics. @param partitions by name */
export async function makeTopics(
  bootstrapServers: string,
  partitions: Readonly<Record<string, number>>,
): Promise<void> {
  const cluster = new Cluster({ bootstrapServers });
  for (const [name, count] of Object.entries(partitions))
    await createTopic(cluster, { name, partitions: count });
  cluster.close();
}

export async function sendAll(bootstrapServers: string, records: readonly ProducerRecord[]): Promise<void> {
  const producer = new Producer({ bootstrapServers });
  await Promise.all(records.map((record) => producer.send(record)));
  await producer.close();
}

/** All that is in a topic up to its present end, by partition in order. */
export async function readTopic(bootstrapServers: string, topic: string): Promise<readonly ConsumedRecord[]> {
  const consumer = new Consumer({ bootstrapServers, isolationLevel: 'read_committed', fetchMaxWaitMs: 20 });
  try {
    const partitions = (await consumer.partitionsOf(topic)).map((partition) => ({ topic, partition }));
    const queries = partitions.map((at) => ({ ...at, at: 'latest' as const }));
    const ends = await listOffsets(consumer.cluster, queries, 'read_committed');
    await consumer.assign(partitions.map((at) => ({ ...at, from: 'earliest' })));
    const found: ConsumedRecord[] = [];
    while (partitions.some((at) => (consumer.position(at) ?? 0) < ends.get(partitionKey(at))!.offset)) {
      for (const { records, partition } of await consumer.poll(100)) {
        found.push(...records.map((record) => ({ topic, partition, ...record })));
      }
    }
    return found;
  } finally {
    await consumer.close();
  }
}

/** The last value of each key, as text and number. */
export async function finalCounts(bootstrapServers: string, topic: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const { key, value } of await readTopic(bootstrapServers, topic)) {
    counts.set(String(key), Number(value!.readBigInt64BE()));
  }
  return counts;
}
