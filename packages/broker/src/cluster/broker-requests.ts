import type { BrokerBatch, PartitionNotice } from '@odradek/core/controller/broker-channels.ts';
import type { LiveBroker } from '@odradek/core/controller/cluster-state.ts';
import type { LeaderAndIsrRequestInput } from '@odradek/protocol/generated/leader-and-isr-request.ts';
import type { StopReplicaRequestInput } from '@odradek/protocol/generated/stop-replica-request.ts';
import type { UpdateMetadataRequestInput } from '@odradek/protocol/generated/update-metadata-request.ts';

/** The requests in which a batch goes to another broker, in the versions of Kafka 2.4 and later. */

export interface BatchSender {
  readonly controllerId: number;
  /** Of the broker that is written to: a later life of it must not take the request for its own. */
  readonly brokerEpoch: number;
  readonly liveBrokers: readonly LiveBroker[];
}

const COMPLETE_FROM = 5;
const COMPLETE_METADATA_FROM = 8;
/** AbstractControlRequest.Type; a controller of Apache Kafka in ZooKeeper mode sends 0 always: not told. */
const COMPLETE = 2;
const INCREMENTAL = 1;
const RECOVERY_STATE_FROM = 6;

/** Older versions have the topics in another layout, which no broker that can be in such a cluster needs. */
export const LEADER_AND_ISR_VERSION_MIN = 2;
export const UPDATE_METADATA_VERSION_MIN = 5;
export const STOP_REPLICA_VERSION_MIN = 3;

export function leaderAndIsrRequest(
  { controllerId, brokerEpoch, liveBrokers }: BatchSender,
  { controllerEpoch, leadership, isComplete }: BrokerBatch,
  version: number,
): LeaderAndIsrRequestInput {
  const leaders = new Set(leadership.map(({ leader }) => leader));
  return {
    controllerId,
    controllerEpoch,
    brokerEpoch,
    ...(version >= COMPLETE_FROM ? { type: isComplete ? COMPLETE : INCREMENTAL } : {}),
    topicStates: byTopic(leadership).map(({ topicName, topicId, partitions }) => ({
      topicName,
      topicId,
      partitionStates: partitions.map((notice) => ({
        partitionIndex: notice.partition,
        ...stateOf(notice),
        partitionEpoch: notice.partitionEpoch,
        addingReplicas: notice.addingReplicas,
        removingReplicas: notice.removingReplicas,
        isNew: notice.isNew,
        ...(version >= RECOVERY_STATE_FROM && notice.isRecovering ? { leaderRecoveryState: 1 } : {}),
      })),
    })),
    liveLeaders: liveBrokers
      .filter(({ brokerId }) => leaders.has(brokerId))
      .map(({ brokerId, endpoints }) => ({
        brokerId,
        hostName: endpoints[0]?.host ?? '',
        port: endpoints[0]?.port ?? -1,
      })),
  };
}

export function updateMetadataRequest(
  { controllerId, brokerEpoch, liveBrokers }: BatchSender,
  { controllerEpoch, metadata, isComplete }: BrokerBatch,
  version: number,
): UpdateMetadataRequestInput {
  return {
    controllerId,
    controllerEpoch,
    brokerEpoch,
    ...(version >= COMPLETE_METADATA_FROM ? { type: isComplete ? COMPLETE : INCREMENTAL } : {}),
    topicStates: metadataStates(metadata ?? [], liveBrokers),
    liveBrokers: liveBrokers.map(({ brokerId, endpoints, rack }) => ({
      id: brokerId,
      rack,
      endpoints: endpoints.map(({ host, port, listenerName, securityProtocol }) => ({
        host,
        port,
        listener: listenerName,
        securityProtocol: SECURITY_PROTOCOL_IDS[securityProtocol],
      })),
    })),
  };
}

type MetadataStates = NonNullable<UpdateMetadataRequestInput['topicStates']>;

/**
 * What was made of metadata that all brokers are told, with the live brokers of then: in a large cluster making it anew
 * for each broker costs more than writing it. Goes with the metadata, once all have been told.
 */
const statesMade = new WeakMap<readonly PartitionNotice[], { live: string; states: MetadataStates }>();

function metadataStates(
  metadata: readonly PartitionNotice[],
  liveBrokers: readonly LiveBroker[],
): MetadataStates {
  const ids = new Set(liveBrokers.map(({ brokerId }) => brokerId));
  const live = [...ids].join();
  const made = statesMade.get(metadata);
  if (made?.live === live) return made.states;
  const states = byTopic(metadata).map(({ topicName, topicId, partitions }) => ({
    topicName,
    topicId,
    partitionStates: partitions.map((notice) => ({
      partitionIndex: notice.partition,
      ...stateOf(notice),
      zkVersion: notice.partitionEpoch,
      offlineReplicas: notice.replicas.filter((id) => !ids.has(id)),
    })),
  }));
  statesMade.set(metadata, { live, states });
  return states;
}

export function stopReplicaRequest(
  { controllerId, brokerEpoch }: BatchSender,
  { controllerEpoch, stops }: BrokerBatch,
): StopReplicaRequestInput {
  const topics = Map.groupBy(stops, ({ topic }) => topic);
  return {
    controllerId,
    controllerEpoch,
    brokerEpoch,
    topicStates: [...topics].map(([topicName, ofTopic]) => ({
      topicName,
      partitionStates: ofTopic.map(({ partition, leaderEpoch, deleteLog }) => ({
        partitionIndex: partition,
        leaderEpoch,
        deletePartition: deleteLog,
      })),
    })),
  };
}

/** The protocol's numbers (SecurityProtocol). */
export const SECURITY_PROTOCOL_IDS = { PLAINTEXT: 0, SSL: 1, SASL_PLAINTEXT: 2, SASL_SSL: 3 } as const;

function stateOf({ controllerEpoch, leader, leaderEpoch, isr, replicas }: PartitionNotice) {
  return { controllerEpoch, leader, leaderEpoch, isr, replicas };
}

function byTopic(notices: readonly PartitionNotice[]) {
  return [...Map.groupBy(notices, ({ topic }) => topic)].map(([topicName, partitions]) => ({
    topicName,
    topicId: partitions[0]!.topicId,
    partitions,
  }));
}
