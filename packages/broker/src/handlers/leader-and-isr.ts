// LeaderAndIsr: the controller tells a broker which replicas it holds, who leads them and who is in sync.
//
// v1 tells new replicas from such whose log must be there, v2 names the life of the broker that is meant (KIP-380) and
// groups by topic, v3 has reassignments (KIP-455), v4 is flexible, v5 has topic ids and says whether it is complete
// (KIP-516), v6 recovery from unclean elections (KIP-704), v7 controllers without ZooKeeper (KIP-866).
import type { LeadershipChange } from '@odradek/core/replication/leadership.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { leaderAndIsrApi } from '@odradek/protocol/generated/apis/leader-and-isr.ts';
import type {
  LeaderAndIsrRequest,
  LeaderAndIsrRequestPartitionState,
} from '@odradek/protocol/generated/leader-and-isr-request.ts';
import type { LeaderAndIsrResponseInput } from '@odradek/protocol/generated/leader-and-isr-response.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import { InSteps, type Handler, type RequestContext } from './handler.ts';

/** Before, each partition stands by itself. */
const GROUPED_FROM = 2;
/** Before, answers name topics. */
const TOPIC_IDS_FROM = 5;
const COMPLETE = 2;

export const leaderAndIsrHandler: Handler<LeaderAndIsrRequest, LeaderAndIsrResponseInput> = {
  api: leaderAndIsrApi,
  versionMin: 0,
  versionMax: 7,

  handle(request, context) {
    const { orders, configs } = context.broker;
    const refusal = orders.judge(request);
    if (refusal !== ErrorCode.NONE) return this.failed(request, refusal, context);
    const changes = changesOf(request, context.apiVersion);
    const reading = configs.learnTopics([...new Set(changes.map(({ topic }) => topic))]);
    const begin = () => new InSteps(take(request, changes, context), true);
    if (reading === null) return begin();
    // Meanwhile another controller may have taken over.
    return reading.then(() => {
      const later = orders.judge(request);
      return later === ErrorCode.NONE ? begin() : this.failed(request, later, context);
    });
  },

  failed(request, errorCode, { apiVersion }) {
    const changes = changesOf(request, apiVersion);
    return answer(
      errorCode,
      changes,
      changes.map(() => errorCode),
      apiVersion,
    );
  },
};

function* take(
  request: LeaderAndIsrRequest,
  changes: readonly LeadershipChange[],
  context: RequestContext,
): Generator<void, LeaderAndIsrResponseInput> {
  const codes = yield* context.broker.orders.lead(request, changes, request.type === COMPLETE);
  return answer(ErrorCode.NONE, changes, codes, context.apiVersion);
}

function changesOf(request: LeaderAndIsrRequest, version: number): LeadershipChange[] {
  if (version < GROUPED_FROM) {
    return request.ungroupedPartitionStates.map((state) => changeOf(state.topicName, ZERO_UUID, state));
  }
  return request.topicStates.flatMap(({ topicName, topicId, partitionStates }) =>
    partitionStates.map((state) => changeOf(topicName, topicId, state)),
  );
}

function changeOf(
  topic: string,
  topicId: string,
  state: LeaderAndIsrRequestPartitionState,
): LeadershipChange {
  const { partitionIndex: partition, leader, leaderEpoch, isr, partitionEpoch, replicas, isNew } = state;
  return { topic, topicId, partition, leader, leaderEpoch, isr, partitionEpoch, replicas, isNew };
}

function answer(
  errorCode: number,
  changes: readonly LeadershipChange[],
  codes: readonly number[],
  version: number,
): LeaderAndIsrResponseInput {
  const outcomes = changes.map((change, i) => ({ ...change, errorCode: codes[i]! }));
  if (version < TOPIC_IDS_FROM) {
    return {
      errorCode,
      partitionErrors: outcomes.map(({ topic, partition, errorCode: code }) => ({
        topicName: topic,
        partitionIndex: partition,
        errorCode: code,
      })),
    };
  }
  const byTopic = Map.groupBy(outcomes, ({ topicId }) => topicId);
  return {
    errorCode,
    topics: [...byTopic].map(([topicId, ofTopic]) => ({
      topicId,
      partitionErrors: ofTopic.map(({ partition, errorCode: code }) => ({
        partitionIndex: partition,
        errorCode: code,
      })),
    })),
  };
}
