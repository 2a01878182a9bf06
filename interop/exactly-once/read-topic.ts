import {
  Cluster,
  Consumer,
  listOffsets,
  partitionKey,
  type ConsumedRecord,
  type IsolationLevel,
} from '@odradek/client/index.ts';

/** What a topic holds up to its present end. */
export async function readTopic(
  bootstrapServers: string,
  topic: string,
  isolationLevel: IsolationLevel,
): Promise<readonly ConsumedRecord[]> {
  const consumer = new Consumer({ bootstrapServers, isolationLevel, fetchMaxWaitMs: 50 });
  try {
    const partitions = (await consumer.partitionsOf(topic)).map((partition) => ({ topic, partition }));
    const queries = partitions.map((at) => ({ ...at, at: 'latest' as const }));
    const ends = await listOffsets(consumer.cluster, queries, isolationLevel);
    await consumer.assign(partitions.map((at) => ({ ...at, from: 'earliest' })));
    const found: ConsumedRecord[] = [];
    while (partitions.some((at) => (consumer.position(at) ?? 0) < ends.get(partitionKey(at))!.offset)) {
      for (const { records, partition } of await consumer.poll(200)) {
        found.push(...records.map((record) => ({ topic, partition, ...record })));
      }
    }
    return found;
  } finally {
    await consumer.close();
  }
}

/** How many offsets of a topic were used, for records and the ends of transactions. */
export async function writtenTo(
  bootstrapServers: string,
  topic: string,
  partitionCount: number,
): Promise<number> {
  const cluster = new Cluster({ bootstrapServers });
  try {
    const queries = Array.from({ length: partitionCount }, (_, partition) => {
      return { topic, partition, at: 'latest' as const };
    });
    const ends = [...(await listOffsets(cluster, queries)).values()];
    return ends.reduce((sum, { offset }) => sum + offset, 0);
  } finally {
    cluster.close();
  }
}
