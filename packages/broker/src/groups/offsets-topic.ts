import { GROUP_OFFSETS_TOPIC } from '@odradek/core/controller/topic-name.ts';
import { partitionOfGroup } from '@odradek/core/group/group-partition.ts';
import { KafkaError } from '@odradek/protocol/errors.ts';
import type { BrokerConfig } from '../config/broker-config.ts';
import type { MetadataView } from '../topics/metadata-view.ts';
import type { TopicService } from '../topics/topic-service.ts';

const NO_BROKER = -1;

export interface OffsetsTopicParts {
  readonly config: Pick<BrokerConfig, 'offsetsTopicNumPartitions'>;
  readonly metadata: Pick<MetadataView, 'partition' | 'topic'>;
  readonly topics: Pick<TopicService, 'ensureInternalTopic'>;
}

/** The topic that keeps groups and offsets: where a group is in it, and its creation at first use. */
export class OffsetsTopic {
  private readonly parts: OffsetsTopicParts;

  constructor(parts: OffsetsTopicParts) {
    this.parts = parts;
  }

  partitionOf(groupId: string): number {
    const topic = this.parts.metadata.topic(GROUP_OFFSETS_TOPIC);
    return partitionOfGroup(groupId, topic?.partitions.length ?? this.parts.config.offsetsTopicNumPartitions);
  }

  /** Creates the topic if need be. @returns the broker that leads the group's partition, or -1 */
  coordinatorFor(groupId: string): number | Promise<number> {
    if (this.parts.metadata.topic(GROUP_OFFSETS_TOPIC) !== undefined) return this.leaderFor(groupId);
    return this.parts.topics.ensureInternalTopic(GROUP_OFFSETS_TOPIC).then(
      () => this.leaderFor(groupId),
      (error: unknown) => {
        if (error instanceof KafkaError) return NO_BROKER;
        throw error;
      },
    );
  }

  private leaderFor(groupId: string): number {
    return this.parts.metadata.partition(GROUP_OFFSETS_TOPIC, this.partitionOf(groupId))?.leader ?? NO_BROKER;
  }
}
