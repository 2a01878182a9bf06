import { partitionOfGroup } from '@odradek/core/group/group-partition.ts';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import { ErrorCode, errorName } from '@odradek/protocol/errors.ts';
import type { BrokerConfig } from '../config/broker-config.ts';

export const OFFSETS_TOPIC = '__consumer_offsets';

const NO_BROKER = -1;

/** What the coordinator needs to know of topics, and to do with one of them. */
export interface OffsetsTopicAccess {
  /** @returns null when there is no such topic */
  partitionCount(topic: string): number | null;
  /** @returns id of the leading broker, -1 when there is none */
  leaderOf(topic: string, partition: number): number;
  /** @returns an error code; 0 once the topic exists */
  createTopic(topic: InternalTopic): Promise<number>;
}

export interface InternalTopic {
  readonly name: string;
  readonly partitionCount: number;
  readonly replicationFactor: number;
  readonly configs: Readonly<Record<string, string>>;
}

/** The topic that keeps groups and offsets: where it is, and its creation at first use. */
export class OffsetsTopic {
  private readonly access: OffsetsTopicAccess;
  private readonly config: BrokerConfig;
  private readonly log: LogSink;
  private creating: Promise<number> | null = null;

  constructor(access: OffsetsTopicAccess, config: BrokerConfig, log: LogSink) {
    this.access = access;
    this.config = config;
    this.log = log;
  }

  partitionOf(groupId: string): number {
    return partitionOfGroup(groupId, this.partitionCount());
  }

  /** Creates the topic if need be. @returns the broker that leads the group's partition, or -1 */
  coordinatorFor(groupId: string): number | Promise<number> {
    if (this.access.partitionCount(OFFSETS_TOPIC) !== null) return this.leaderFor(groupId);
    this.creating ??= this.create();
    return this.creating.then((errorCode) =>
      errorCode === ErrorCode.NONE ? this.leaderFor(groupId) : NO_BROKER,
    );
  }

  private leaderFor(groupId: string): number {
    return this.access.leaderOf(OFFSETS_TOPIC, this.partitionOf(groupId));
  }

  private partitionCount(): number {
    return this.access.partitionCount(OFFSETS_TOPIC) ?? this.config.offsetsTopicNumPartitions;
  }

  private async create(): Promise<number> {
    const errorCode = await this.access.createTopic({
      name: OFFSETS_TOPIC,
      partitionCount: this.config.offsetsTopicNumPartitions,
      replicationFactor: this.config.offsetsTopicReplicationFactor,
      configs: {
        'cleanup.policy': 'compact',
        'compression.type': 'producer',
        'segment.bytes': String(this.config.offsetsTopicSegmentBytes),
      },
    });
    this.creating = null;
    // Somebody else was faster: as good.
    if (errorCode === ErrorCode.TOPIC_ALREADY_EXISTS) return ErrorCode.NONE;
    if (errorCode !== ErrorCode.NONE) {
      this.log.warn('cannot create the topic of consumer offsets', {
        topic: OFFSETS_TOPIC,
        replicationFactor: this.config.offsetsTopicReplicationFactor,
        error: errorName(errorCode),
      });
    }
    return errorCode;
  }
}
