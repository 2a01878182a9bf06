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
 * metadata, to all live brokers. The metadata of a topic that is being deleted always says so: nobody is told again
 * once it is gone, and who has taken it for a topic like others would keep it.
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
    const metadata = this.toldToAll(notices);
    for (const brokerId of this.state.brokers.keys()) {
      const leadership = notices
        .filter(({ replicas }) => replicas.includes(brokerId))
        .map((notice) => (notice.addingReplicas.includes(brokerId) ? { ...notice, isNew: true } : notice));
      this.send(brokerId, { leadership, metadata });
    }
  }

  /** States that their leaders know of already, since they asked for them. */
  metadata(partitions: readonly AnnouncedPartition[]): void {
    const metadata = this.toldToAll(partitions.map((partition) => this.noticeOf(partition)));
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
    const metadata = this.toldToAll(all);
    for (const brokerId of brokerIds) {
      const leadership = all.filter(({ replicas }) => replicas.includes(brokerId));
      this.send(brokerId, { leadership, isComplete: true, metadata });
    }
  }

  /** The topic has been marked in the state: nobody is to ask for it any more. */
  deletion(topic: string): void {
    this.metadata(this.state.topic(topic)!.partitions.map(({ index }) => ({ topic, partition: index })));
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

  /** One and the same list for all brokers: what is made of it is made once. */
  private toldToAll(notices: readonly PartitionNotice[]): readonly PartitionNotice[] {
    const isGoing = ({ topic }: PartitionNotice) => this.state.topic(topic)!.isDeleting;
    if (!notices.some(isGoing)) return notices;
    return notices.map((notice) =>
      isGoing(notice) ? { ...notice, leader: DELETED_LEADER, leaderEpoch: DELETED_EPOCH } : notice,
    );
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
