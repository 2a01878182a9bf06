import { alterConfigs, type ConfigChanges } from '@odradek/client/admin/configs.ts';
import type { Cluster } from '@odradek/client/cluster/cluster.ts';
import type { PartitionView } from './cluster-view.ts';
import type { PlannedPartition } from './reassignment-plan.ts';

const RATES = ['leader.replication.throttled.rate', 'follower.replication.throttled.rate'] as const;
const LEADERS = 'leader.replication.throttled.replicas';
const FOLLOWERS = 'follower.replication.throttled.replicas';

/**
 * Limits what a move may use (KIP-73): on the brokers the rates; on the topics which replicas count, as leaders all
 * that the partition lies on, as followers those that come.
 */
export async function setThrottle(
  cluster: Cluster,
  plan: readonly PlannedPartition[],
  partitions: readonly PartitionView[],
  bytesPerSecond: number,
): Promise<void> {
  for (const [topic, planned] of Map.groupBy(plan, (each) => each.topic)) {
    const pairs = planned.map(({ partition, replicas }) => {
      const before =
        partitions.find((each) => each.topic === topic && each.partition === partition)?.replicas ?? [];
      const adding = replicas.filter((id) => !before.includes(id));
      return {
        leaders: before.map((id) => `${partition}:${id}`),
        followers: adding.map((id) => `${partition}:${id}`),
      };
    });
    await alterConfigs(
      cluster,
      { type: 'topic', name: topic },
      {
        [LEADERS]: pairs.flatMap(({ leaders }) => leaders).join(','),
        [FOLLOWERS]: pairs.flatMap(({ followers }) => followers).join(','),
      },
    );
  }
  await setRates(cluster, Object.fromEntries(RATES.map((name) => [name, String(bytesPerSecond)])));
}

/** Takes the limits off these topics, and where no other move is under way off the brokers. */
export async function removeThrottle(
  cluster: Cluster,
  topics: Iterable<string>,
  isAnythingMoving: boolean,
): Promise<void> {
  for (const name of topics) {
    await alterConfigs(cluster, { type: 'topic', name }, { [LEADERS]: null, [FOLLOWERS]: null });
  }
  if (!isAnythingMoving) await setRates(cluster, Object.fromEntries(RATES.map((name) => [name, null])));
}

async function setRates(cluster: Cluster, changes: ConfigChanges): Promise<void> {
  for (const { nodeId } of await cluster.nodes()) {
    await alterConfigs(cluster, { type: 'broker', nodeId }, changes);
  }
}
