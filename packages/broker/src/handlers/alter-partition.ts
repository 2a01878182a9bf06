// AlterPartition: the leader of a partition asks the controller for another in-sync set (KIP-497).
//
// v1 has the recovery state (KIP-704), v2 names topics by id and knows INELIGIBLE_REPLICA (KIP-841), v3 tells the
// broker epochs of the set's members (KIP-903), which in a cluster with a coordination tree nobody checks.
import type { PartitionProposal, ProposalOutcome } from '@odradek/core/controller/leader-requests.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { alterPartitionApi } from '@odradek/protocol/generated/apis/alter-partition.ts';
import type {
  AlterPartitionRequest,
  AlterPartitionRequestTopicData,
} from '@odradek/protocol/generated/alter-partition-request.ts';
import type {
  AlterPartitionResponseInput,
  AlterPartitionResponsePartitionDataInput,
} from '@odradek/protocol/generated/alter-partition-response.ts';
import type { Handler, RequestContext } from './handler.ts';

const TOPIC_IDS_FROM = 2;
const EPOCHS_FROM = 3;
const RECOVERING = 1;

export const alterPartitionHandler: Handler<AlterPartitionRequest, AlterPartitionResponseInput> = {
  api: alterPartitionApi,
  versionMin: 0,
  versionMax: 3,

  async handle(request, context) {
    const { brokerId, brokerEpoch } = request;
    const named = request.topics.map((topic) => ({ topic, name: nameOf(topic, context) }));
    const proposals = named.flatMap(({ topic, name }) =>
      name === undefined ? [] : proposalsFor(name, topic, context.apiVersion),
    );
    const { errorCode, outcomes } = await context.broker.topics.alterPartitions(
      { brokerId, brokerEpoch },
      proposals,
    );
    if (errorCode !== ErrorCode.NONE) return { throttleTimeMs: 0, errorCode, topics: [] };
    return {
      throttleTimeMs: 0,
      errorCode,
      topics: named.map(({ topic, name }) => ({
        topicName: topic.topicName,
        topicId: topic.topicId,
        partitions:
          name === undefined
            ? topic.partitions.map(({ partitionIndex }) =>
                refused(partitionIndex, ErrorCode.UNKNOWN_TOPIC_ID),
              )
            : outcomes
                .filter((outcome) => outcome.topic === name)
                .map((outcome) => answerTo(outcome, context.apiVersion)),
      })),
    };
  },

  failed(_request, errorCode) {
    return { throttleTimeMs: 0, errorCode, topics: [] };
  },
};

function nameOf({ topicName, topicId }: AlterPartitionRequestTopicData, context: RequestContext) {
  return context.apiVersion < TOPIC_IDS_FROM ? topicName : context.broker.metadata.topicName(topicId);
}

function proposalsFor(
  topic: string,
  { partitions }: AlterPartitionRequestTopicData,
  version: number,
): PartitionProposal[] {
  return partitions.map((asked) => ({
    topic,
    partition: asked.partitionIndex,
    leaderEpoch: asked.leaderEpoch,
    partitionEpoch: asked.partitionEpoch,
    isr: version < EPOCHS_FROM ? asked.newIsr : asked.newIsrWithEpochs.map(({ brokerId }) => brokerId),
    isRecovering: asked.leaderRecoveryState === RECOVERING,
  }));
}

function answerTo(outcome: ProposalOutcome, version: number): AlterPartitionResponsePartitionDataInput {
  if (!('state' in outcome)) return refused(outcome.partition, errorFor(outcome.errorCode, version));
  const { leader, leaderEpoch, isr, isRecovering } = outcome.state;
  return {
    partitionIndex: outcome.partition,
    errorCode: ErrorCode.NONE,
    leaderId: leader,
    leaderEpoch,
    isr,
    leaderRecoveryState: isRecovering ? RECOVERING : 0,
    partitionEpoch: outcome.partitionEpoch,
  };
}

function errorFor(errorCode: number, version: number): number {
  const isUnknown = version < TOPIC_IDS_FROM && errorCode === ErrorCode.INELIGIBLE_REPLICA;
  return isUnknown ? ErrorCode.OPERATION_NOT_ATTEMPTED : errorCode;
}

function refused(partitionIndex: number, errorCode: number): AlterPartitionResponsePartitionDataInput {
  return { partitionIndex, errorCode, leaderId: 0, leaderEpoch: 0, isr: [], partitionEpoch: 0 };
}
