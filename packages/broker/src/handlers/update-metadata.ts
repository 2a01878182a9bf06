// UpdateMetadata: the controller tells every broker which brokers are alive and who leads what, so that any of them
// can tell clients.
//
// v1 has several addresses per broker, v2 racks, v3 listener names, v4 replicas on failed disks, v5 names the life of
// the broker that is meant (KIP-380) and groups by topic, v6 is flexible, v7 has topic ids (KIP-516), v8 controllers
// without ZooKeeper and complete updates (KIP-866).
import type { BrokerEndpoint, SecurityProtocol } from '@odradek/core/controller/broker-registration.ts';
import type {
  MetadataUpdate,
  UpdatedPartition,
  UpdatedTopic,
} from '@odradek/core/controller/metadata-updates.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { updateMetadataApi } from '@odradek/protocol/generated/apis/update-metadata.ts';
import type {
  UpdateMetadataRequest,
  UpdateMetadataRequestBroker,
  UpdateMetadataRequestEndpoint,
  UpdateMetadataRequestPartitionState,
} from '@odradek/protocol/generated/update-metadata-request.ts';
import type { UpdateMetadataResponseInput } from '@odradek/protocol/generated/update-metadata-response.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import { SECURITY_PROTOCOL_IDS } from '../cluster/broker-requests.ts';
import { InSteps, type Handler, type RequestContext } from './handler.ts';

const ENDPOINTS_FROM = 1;
const LISTENER_NAMES_FROM = 3;
const GROUPED_FROM = 5;
const COMPLETE = 2;

const PROTOCOLS: ReadonlyMap<number, SecurityProtocol> = new Map(
  Object.entries(SECURITY_PROTOCOL_IDS).map(([name, id]) => [id, name as SecurityProtocol]),
);

export const updateMetadataHandler: Handler<UpdateMetadataRequest, UpdateMetadataResponseInput> = {
  api: updateMetadataApi,
  versionMin: 0,
  versionMax: 8,

  handle(request, context) {
    const errorCode = context.broker.orders.judge(request);
    if (errorCode !== ErrorCode.NONE) return { errorCode };
    return new InSteps(take(request, context), true);
  },

  failed(_request, errorCode) {
    return { errorCode };
  },
};

/** What was told first is not to be taken after what another controller has told meanwhile. */
function* take(
  request: UpdateMetadataRequest,
  { apiVersion, broker }: RequestContext,
): Generator<void, UpdateMetadataResponseInput> {
  const update = yield* updateOf(request, apiVersion);
  const steps = broker.takeMetadata(update);
  for (;;) {
    const errorCode = broker.orders.judge(request);
    if (errorCode !== ErrorCode.NONE || steps.next().done === true) return { errorCode };
    yield;
  }
}

function* updateOf(request: UpdateMetadataRequest, version: number): Generator<void, MetadataUpdate> {
  return {
    controllerId: request.controllerId,
    brokers: request.liveBrokers.map((broker) => ({
      brokerId: broker.id,
      endpoints: endpointsOf(broker, version),
      rack: broker.rack,
    })),
    topics: yield* topicsOf(request, version),
    isComplete: request.type === COMPLETE,
  };
}

/** A protocol that is none of the known makes the address unusable, and nothing else. */
function endpointsOf(
  { v0Host, v0Port, endpoints }: UpdateMetadataRequestBroker,
  version: number,
): BrokerEndpoint[] {
  if (version < ENDPOINTS_FROM) {
    return [{ listenerName: 'PLAINTEXT', securityProtocol: 'PLAINTEXT', host: v0Host, port: v0Port }];
  }
  return endpoints.flatMap((endpoint) => endpointOf(endpoint, version) ?? []);
}

function endpointOf(
  { host, port, listener, securityProtocol: id }: UpdateMetadataRequestEndpoint,
  version: number,
): BrokerEndpoint | null {
  const securityProtocol = PROTOCOLS.get(id);
  if (securityProtocol === undefined) return null;
  const listenerName = version < LISTENER_NAMES_FROM ? securityProtocol : listener;
  return { listenerName, securityProtocol, host, port };
}

function* topicsOf(request: UpdateMetadataRequest, version: number): Generator<void, UpdatedTopic[]> {
  if (version < GROUPED_FROM) return topicsOfUngrouped(request);
  const topics: UpdatedTopic[] = [];
  for (const { topicName: name, topicId, partitionStates } of request.topicStates) {
    topics.push({ name, topicId, partitions: partitionStates.map(partitionOf) });
    yield;
  }
  return topics;
}

function topicsOfUngrouped({ ungroupedPartitionStates }: UpdateMetadataRequest): UpdatedTopic[] {
  const byTopic = Map.groupBy(ungroupedPartitionStates, ({ topicName }) => topicName);
  return [...byTopic].map(([name, states]) => ({
    name,
    topicId: ZERO_UUID,
    partitions: states.map(partitionOf),
  }));
}

function partitionOf(state: UpdateMetadataRequestPartitionState): UpdatedPartition {
  const { partitionIndex: index, leader, leaderEpoch, controllerEpoch, zkVersion, isr, replicas } = state;
  return { index, leader, leaderEpoch, controllerEpoch, partitionEpoch: zkVersion, isr, replicas };
}
