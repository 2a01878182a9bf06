import { ErrorCode } from '@odradek/protocol/errors.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import type { MetadataResponse } from '@odradek/protocol/generated/metadata-response.ts';

export interface BrokerNode {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

export interface PartitionMetadata {
  readonly partition: number;
  /** -1 while there is none. */
  readonly leaderId: number;
  /** -1 when not known. */
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly offlineReplicas: readonly number[];
}

export interface TopicMetadata {
  readonly name: string;
  /** ZERO_UUID when the broker does not tell. */
  readonly topicId: string;
  readonly isInternal: boolean;
  /** By index, without gaps. */
  readonly partitions: readonly PartitionMetadata[];
}

/**
 * What the client knows of the cluster. Nodes are replaced by every answer that names any; topics one by one,
 * and only by answers that are not older: a lagging broker must not bring back a former leader. Where brokers tell
 * no topic ids, a topic that was deleted and made anew looks like the old one, so every answer counts there.
 */
export class MetadataCache {
  private nodesById = new Map<number, BrokerNode>();
  private readonly topicsByName = new Map<string, TopicMetadata>();
  private readonly namesById = new Map<string, string>();
  clusterId: string | null = null;
  controllerId = -1;
  /** Goes up with every new beginning: what was learned of brokers before is not to be relied on. */
  beginning = 0;

  get nodes(): readonly BrokerNode[] {
    return [...this.nodesById.values()];
  }

  node(nodeId: number): BrokerNode | undefined {
    return this.nodesById.get(nodeId);
  }

  topic(name: string): TopicMetadata | undefined {
    return this.topicsByName.get(name);
  }

  topicName(topicId: string): string | undefined {
    return this.namesById.get(topicId);
  }

  partition(topic: string, partition: number): PartitionMetadata | undefined {
    return this.topicsByName.get(topic)?.partitions[partition];
  }

  get topicNames(): readonly string[] {
    return [...this.topicsByName.keys()];
  }

  /** The next answer says who there is; what is known of topics stays, without anybody to lead them. */
  forgetNodes(): void {
    this.nodesById.clear();
    this.beginning++;
  }

  /**
   * Takes over who leads a partition, as a broker that does not told (KIP-951).
   *
   * @returns whether that is news, and of a broker that is known
   */
  noteLeader(
    topic: string,
    partition: number,
    { leaderId, leaderEpoch }: { readonly leaderId: number; readonly leaderEpoch: number },
  ): boolean {
    const known = this.topicsByName.get(topic);
    const before = known?.partitions[partition];
    if (known === undefined || before === undefined || !this.nodesById.has(leaderId)) return false;
    if (leaderEpoch <= before.leaderEpoch) return false;
    const partitions = known.partitions.with(partition, { ...before, leaderId, leaderEpoch });
    this.topicsByName.set(topic, { ...known, partitions });
    return true;
  }

  forget(topic: string): void {
    const known = this.topicsByName.get(topic);
    if (known === undefined) return;
    this.topicsByName.delete(topic);
    this.namesById.delete(known.topicId);
  }

  /**
   * Takes over an answer. A topic with some partitions missing counts as not there yet: by their number keys are placed.
   *
   * @returns the error codes of the topics that have one; what was known of those stays
   */
  apply(answer: MetadataResponse): Map<string, number> {
    this.applyNodes(answer);
    const errors = new Map<string, number>();
    for (const topic of answer.topics) {
      if (topic.name === null) continue;
      const fresh = topicFrom(topic, topic.name);
      if (topic.errorCode !== ErrorCode.NONE) errors.set(topic.name, topic.errorCode);
      else if (isWhole(fresh)) this.applyTopic(fresh);
      else errors.set(topic.name, ErrorCode.LEADER_NOT_AVAILABLE);
    }
    return errors;
  }

  /** An answer without brokers comes from one that does not know its cluster yet. */
  private applyNodes(answer: MetadataResponse): void {
    if (answer.brokers.length === 0) return;
    this.nodesById = new Map(
      answer.brokers.map(({ nodeId, host, port, rack }) => [nodeId, { nodeId, host, port, rack }]),
    );
    this.clusterId = answer.clusterId;
    this.controllerId = answer.controllerId;
  }

  private applyTopic(fresh: TopicMetadata): void {
    const known = this.topicsByName.get(fresh.name);
    const isSame = known !== undefined && fresh.topicId !== ZERO_UUID && known.topicId === fresh.topicId;
    if (known !== undefined && !isSame) this.namesById.delete(known.topicId);
    this.topicsByName.set(fresh.name, isSame ? newer(known, fresh) : fresh);
    if (fresh.topicId !== ZERO_UUID) this.namesById.set(fresh.topicId, fresh.name);
  }
}

function topicFrom(topic: MetadataResponse['topics'][number], name: string): TopicMetadata {
  const partitions: PartitionMetadata[] = topic.partitions.map((partition) => ({
    partition: partition.partitionIndex,
    leaderId: partition.leaderId,
    leaderEpoch: partition.leaderEpoch,
    replicas: partition.replicaNodes,
    isr: partition.isrNodes,
    offlineReplicas: partition.offlineReplicas,
  }));
  partitions.sort((a, b) => a.partition - b.partition);
  return { name, topicId: topic.topicId, isInternal: topic.isInternal, partitions };
}

function isWhole({ partitions }: TopicMetadata): boolean {
  return partitions.length > 0 && partitions.at(-1)!.partition === partitions.length - 1;
}

/** Partition by partition the one with the higher leader epoch; at equal or unknown epochs the fresh one. */
function newer(known: TopicMetadata, fresh: TopicMetadata): TopicMetadata {
  const partitions = fresh.partitions.map((partition) => {
    const before = known.partitions[partition.partition];
    const isOlder =
      before !== undefined && partition.leaderEpoch >= 0 && partition.leaderEpoch < before.leaderEpoch;
    return isOlder ? before : partition;
  });
  // A broker that lags may not know of new partitions yet; a topic never loses partitions.
  partitions.push(...known.partitions.slice(partitions.length));
  return { ...fresh, partitions };
}
