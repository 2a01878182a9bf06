import { ErrorCode } from '@odradek/protocol/errors.ts';
import {
  DELETED_EPOCH,
  DELETED_LEADER,
  type BatchAnswer,
  type BrokerBatch,
  type BrokerChannels,
  type PartitionNotice,
  type StopNotice,
} from './broker-channels.ts';
import type { ClusterState } from './cluster-state.ts';

export interface AnnouncedPartition {
  readonly topic: string;
  readonly partition: number;
  /** Has never existed before. */
  readonly isNew?: boolean;
}

/** A replica whose broker cannot use the disk that it lies on. */
export interface BrokenReplica {
  readonly brokerId: number;
  readonly topic: string;
  readonly partition: number;
}

/**
 * What a controller tells the brokers once the tree holds it: who leads, to the live brokers that hold a replica;
 * metadata, to all live brokers.
 */
export class Announcements {
  private readonly channels: BrokerChannels;
  private readonly state: ClusterState;
  private readonly controllerEpoch: number;
  private readonly onBroken: (replicas: readonly BrokenReplica[]) => void;

  /** @param onBroken replicas that a broker said it cannot hold: KAFKA_STORAGE_ERROR */
  constructor(
    channels: BrokerChannels,
    state: ClusterState,
    controllerEpoch: number,
    onBroken: (replicas: readonly BrokenReplica[]) => void,
  ) {
    this.channels = channels;
    this.state = state;
    this.controllerEpoch = controllerEpoch;
    this.onBroken = onBroken;
  }

  /** New leaders or in-sync sets. */
  leadership(partitions: readonly AnnouncedPartition[]): void {
    if (partitions.length === 0) return;
    const notices = partitions.map((partition) => this.noticeOf(partition));
    for (const brokerId of this.state.brokers.keys()) {
      const leadership = notices
        .filter(({ replicas }) => replicas.includes(brokerId))
        .map((notice) => (notice.addingReplicas.includes(brokerId) ? { ...notice, isNew: true } : notice));
      this.send(brokerId, { leadership, metadata: notices });
    }
  }

  /** States that their leaders know of already, since they asked for them. */
  metadata(partitions: readonly AnnouncedPartition[]): void {
    const metadata = partitions.map((partition) => this.noticeOf(partition));
    for (const brokerId of this.state.brokers.keys()) this.send(brokerId, { metadata });
  }

  /** Which brokers there are. */
  brokers(): void {
    this.metadata([]);
  }

  /** Everything, for a broker that has just come: the whole metadata, and all replicas that it holds. */
  everythingTo(brokerIds: readonly number[]): void {
    const all = Array.from(this.state.topics()).flatMap(({ name, partitions }) =>
      partitions
        .filter(({ partitionEpoch }) => partitionEpoch >= 0)
        .map(({ index }) => this.noticeOf({ topic: name, partition: index })),
    );
    for (const brokerId of brokerIds) {
      const leadership = all.filter(({ replicas }) => replicas.includes(brokerId));
      this.send(brokerId, { leadership, isComplete: true, metadata: all });
    }
  }

  /** The topic is going: nobody is to ask for it any more. */
  deletion(topic: string): void {
    const metadata = this.state.topic(topic)!.partitions.map(({ index }) => ({
      ...this.noticeOf({ topic, partition: index }),
      leader: DELETED_LEADER,
      leaderEpoch: DELETED_EPOCH,
    }));
    for (const brokerId of this.state.brokers.keys()) this.send(brokerId, { metadata });
  }

  /** @param answered with null: the broker went away before */
  stop(
    brokerId: number,
    stops: readonly StopNotice[],
    answered: (answer: BatchAnswer | null) => void = () => {},
  ): void {
    this.send(brokerId, { stops }, answered);
  }

  private send(
    brokerId: number,
    batch: Partial<BrokerBatch>,
    answered: (answer: BatchAnswer | null) => void = () => {},
  ): void {
    const { controllerEpoch } = this;
    const whole = { controllerEpoch, leadership: [], isComplete: false, metadata: null, stops: [], ...batch };
    this.channels.send(brokerId, whole, (answer) => {
      if (answer !== null) this.lookForBroken(brokerId, answer);
      answered(answer);
    });
  }

  private lookForBroken(brokerId: number, { leadershipErrors }: BatchAnswer): void {
    const broken = leadershipErrors.filter(({ errorCode }) => errorCode === ErrorCode.KAFKA_STORAGE_ERROR);
    if (broken.length === 0) return;
    this.onBroken(broken.map(({ topic, partition }) => ({ brokerId, topic, partition })));
  }

  private noticeOf({ topic, partition, isNew = false }: AnnouncedPartition): PartitionNotice {
    const { topicId, partitions } = this.state.topic(topic)!;
    const { leader, leaderEpoch, isr, partitionEpoch, controllerEpoch, isRecovering, ...assignment } =
      partitions[partition]!;
    const { replicas, addingReplicas, removingReplicas } = assignment;
    return {
      topic,
      topicId,
      partition,
      leader,
      leaderEpoch,
      isr,
      partitionEpoch,
      controllerEpoch,
      isRecovering,
      replicas,
      addingReplicas,
      removingReplicas,
      isNew,
    };
  }
}
