import { ErrorCode, errorName } from '@odradek/protocol/errors.ts';
import { deleteRecordsApi } from '@odradek/protocol/generated/apis/delete-records.ts';
import type { SeededRandom } from '../../seeded-random.ts';
import type { SimulatedCluster } from '../cluster/simulated-cluster.ts';

const TIMEOUT_MS = 5_000;

/** Asks for the deletion of a topic's records below some offset that is committed. */
export function deleteRecords(
  { brokers, administrator }: SimulatedCluster,
  topic: string,
  chance: SeededRandom,
): void {
  const leader = brokers.find(({ replicas }) =>
    replicas.some((each) => each.topic === topic && each.isLeader),
  );
  if (leader === undefined) return;
  const { log } = leader.replicas.find((each) => each.topic === topic && each.isLeader)!;
  const offset = chance.below(log.highWatermark + 1);
  administrator.noteDeletion(topic, offset);
  administrator.attempt(`records of ${topic} below ${offset} are deleted`, async (cluster) => {
    const node = (await cluster.nodes()).find(({ nodeId }) => nodeId === leader.nodeId);
    if (node === undefined) return 'the leader is not there';
    const partitions = [{ partitionIndex: 0, offset }];
    const answer = await cluster.request(node, deleteRecordsApi, {
      topics: [{ name: topic, partitions }],
      timeoutMs: TIMEOUT_MS,
    });
    const [result] = answer.topics.flatMap((told) => told.partitions);
    const code = result?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
    return code === ErrorCode.NONE ? `they begin at ${result!.lowWatermark}` : errorName(code);
  });
}
