import type { Clock } from '@odradek/core/ports/clock.ts';
import type { ClusterState } from '@odradek/core/controller/cluster-state.ts';
import type { PartitionSettings } from '@odradek/core/replication/partition.ts';
import { selectByRack } from '@odradek/core/replication/read-preference.ts';
import type { ReadPreference } from '@odradek/core/replication/replica-manager.ts';
import { ReplicationQuota, throttledPartitions } from '@odradek/core/replication/replication-quota.ts';
import type { BrokerConfig } from '../config/broker-config.ts';
import type { ConfigService } from '../config/config-service.ts';
import { RACK_AWARE_SELECTOR } from '../config/settings/replication.ts';

/** What a topic's partitions go by on this broker. */
export function partitionSettings(
  config: BrokerConfig,
  configs: ConfigService,
  topic: string,
): PartitionSettings {
  const own = configs.topicOverrides(topic)['min.insync.replicas'];
  const { brokerId } = config;
  return {
    minInsyncReplicas: own === undefined ? config.minInsyncReplicas : Number(own),
    throttledAsLeader: throttledPartitions(
      configs.topicValue(topic, 'leader.replication.throttled.replicas'),
      brokerId,
    ),
    throttledAsFollower: throttledPartitions(
      configs.topicValue(topic, 'follower.replication.throttled.replicas'),
      brokerId,
    ),
  };
}

/** What throttled replicas may move, on each side. */
export function replicationQuotas(config: BrokerConfig, configs: ConfigService, clock: Clock) {
  const windows = {
    count: config.replicationQuotaWindowNum,
    lengthMs: config.replicationQuotaWindowSizeSeconds * 1_000,
  };
  const quotaOf = (side: 'leader' | 'follower') =>
    new ReplicationQuota({
      clock,
      windows,
      bytesPerSecondMax: () => configs.dynamicValue(`${side}.replication.throttled.rate`),
    });
  return { leader: quotaOf('leader'), follower: quotaOf('follower') };
}

/** Which replica consumers had best read from; undefined: from the leader, as without `replica.selector.class`. */
export function readPreference(config: BrokerConfig, state: ClusterState): ReadPreference | undefined {
  if (config.replicaSelectorClass !== RACK_AWARE_SELECTOR) return undefined;
  return {
    select: selectByRack,
    rackOf: (brokerId, listenerName) => {
      const broker = state.brokers.get(brokerId);
      const isReached = broker?.endpoints.some((endpoint) => endpoint.listenerName === listenerName);
      return isReached === true ? (broker?.rack ?? null) : null;
    },
  };
}
