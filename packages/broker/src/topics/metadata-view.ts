import type { ClusterState, PartitionEntry, TopicEntry } from '@odradek/core/controller/cluster-state.ts';

/** Where clients of one listener reach a broker. */
export interface BrokerAddress {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

/**
 * What this broker knows of the cluster, to read. Always whole and up to date with the coordination tree as far as
 * this broker has heard; the entries change in place, so keep none of them beyond the call.
 */
export class MetadataView {
  private readonly state: ClusterState;

  constructor(state: ClusterState) {
    this.state = state;
  }

  get clusterId(): string {
    return this.state.clusterId;
  }

  /** A broker of the list, or -1 while there is no controller. */
  get controllerId(): number {
    return this.state.controllerId;
  }

  /** The brokers that have a listener of this name, by id. */
  brokers(listenerName: string): BrokerAddress[] {
    const addresses: BrokerAddress[] = [];
    for (const broker of this.state.brokers.values()) {
      const endpoint = broker.endpoints.find((candidate) => candidate.listenerName === listenerName);
      if (endpoint === undefined) continue;
      const { host, port } = endpoint;
      addresses.push({ nodeId: broker.brokerId, host, port, rack: broker.rack });
    }
    return addresses.sort((a, b) => a.nodeId - b.nodeId);
  }

  /** Of a broker that is registered, larger in each of its lives. */
  brokerEpoch(nodeId: number): number | undefined {
    return this.state.brokers.get(nodeId)?.brokerEpoch;
  }

  isLive(nodeId: number): boolean {
    return this.state.isLive(nodeId);
  }

  hasListener(nodeId: number, listenerName: string): boolean {
    const endpoints = this.state.brokers.get(nodeId)?.endpoints;
    return endpoints !== undefined && endpoints.some((endpoint) => endpoint.listenerName === listenerName);
  }

  /** Topics that are being deleted are not there any more. */
  topic(name: string): TopicEntry | undefined {
    const topic = this.state.topic(name);
    return topic?.isDeleting ? undefined : topic;
  }

  topicName(topicId: string): string | undefined {
    const name = this.state.topicName(topicId);
    return name === undefined || this.topic(name) === undefined ? undefined : name;
  }

  /** In no order. */
  *topics(): Iterable<TopicEntry> {
    for (const topic of this.state.topics()) if (!topic.isDeleting) yield topic;
  }

  get topicCount(): number {
    return this.state.topicCount;
  }

  partition(topic: string, index: number): PartitionEntry | undefined {
    return this.topic(topic)?.partitions[index];
  }
}
