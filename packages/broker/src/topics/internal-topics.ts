import { GROUP_OFFSETS_TOPIC, TRANSACTION_STATE_TOPIC } from '@odradek/core/controller/topic-name.ts';
import type { TopicCreation } from '@odradek/core/controller/topic-request.ts';
import type { BrokerConfig } from '../config/broker-config.ts';

type InternalTopicConfig = Pick<
  BrokerConfig,
  | 'offsetsTopicNumPartitions'
  | 'offsetsTopicReplicationFactor'
  | 'offsetsTopicSegmentBytes'
  | 'transactionStateLogNumPartitions'
  | 'transactionStateLogReplicationFactor'
  | 'transactionStateLogMinIsr'
  | 'transactionStateLogSegmentBytes'
>;

/** How Apache Kafka makes its internal topics; null for a topic that is none of them. */
export function internalTopicCreation(name: string, config: InternalTopicConfig): TopicCreation | null {
  switch (name) {
    case GROUP_OFFSETS_TOPIC:
      return {
        name,
        partitionCount: config.offsetsTopicNumPartitions,
        replicationFactor: config.offsetsTopicReplicationFactor,
        assignments: [],
        settings: new Map([
          ['cleanup.policy', 'compact'],
          ['segment.bytes', String(config.offsetsTopicSegmentBytes)],
          ['compression.type', 'producer'],
        ]),
      };
    case TRANSACTION_STATE_TOPIC:
      return {
        name,
        partitionCount: config.transactionStateLogNumPartitions,
        replicationFactor: config.transactionStateLogReplicationFactor,
        assignments: [],
        settings: new Map([
          ['unclean.leader.election.enable', 'false'],
          ['compression.type', 'uncompressed'],
          ['cleanup.policy', 'compact'],
          ['min.insync.replicas', String(config.transactionStateLogMinIsr)],
          ['segment.bytes', String(config.transactionStateLogSegmentBytes)],
        ]),
      };
    default:
      return null;
  }
}
