import { Cluster } from '@odradek/client';
import { deleteRecordsApi } from '@odradek/protocol/generated/apis/delete-records.ts';

/** Takes the first records of a partition away, as retention would. */
export async function deleteRecordsBefore(
  bootstrapServers: string,
  topic: string,
  partition: number,
  offset: number,
): Promise<void> {
  const cluster = new Cluster({ bootstrapServers });
  try {
    await cluster.topic(topic);
    const answer = await cluster.request(cluster.leader(topic, partition), deleteRecordsApi, {
      topics: [{ name: topic, partitions: [{ partitionIndex: partition, offset }] }],
      timeoutMs: 5_000,
    });
    const code = answer.topics[0]?.partitions[0]?.errorCode;
    if (code !== 0) throw new Error(`DeleteRecords: ${code}`);
  } finally {
    cluster.close();
  }
}
