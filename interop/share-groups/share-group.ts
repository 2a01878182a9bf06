import { Cluster, Producer, alterConfigs, createTopic } from '@odradek/client/index.ts';

/** Makes a topic, and a share group that begins at its beginning. */
export async function prepare(
  bootstrapServers: string,
  { topic, groupId, partitions }: { topic: string; groupId: string; partitions: number },
  groupConfigs: Readonly<Record<string, string>> = {},
): Promise<void> {
  const cluster = new Cluster({ bootstrapServers });
  try {
    await createTopic(cluster, { name: topic, partitions, replicationFactor: 1 });
    const configs = { 'share.auto.offset.reset': 'earliest', ...groupConfigs };
    await alterConfigs(cluster, { type: 'group', name: groupId }, configs);
  } finally {
    cluster.close();
  }
}

/** Sends the numbers from `first` on, one record each. */
export async function sendNumbers(
  bootstrapServers: string,
  topic: string,
  partitions: number,
  { first, count }: { first: number; count: number },
): Promise<void> {
  const producer = new Producer({ bootstrapServers });
  const sends = Array.from({ length: count }, (_, i) =>
    producer.send({ topic, partition: i % partitions, value: Buffer.from(String(first + i)) }),
  );
  await Promise.all(sends);
  await producer.close();
}
