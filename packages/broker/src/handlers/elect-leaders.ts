// ElectLeaders: lets the preferred replica lead, or any live one where no clean leader is left.
//
// v1 adds the election type (KIP-460; before, only the preferred one) and an error for the whole answer, v2 is
// flexible.
import type { TopicPartition } from '@odradek/core/controller/controller-term.ts';
import type { ElectionOutcome, ElectionType } from '@odradek/core/controller/leader-changes.ts';
import { ErrorCode, errorMessage } from '@odradek/protocol/errors.ts';
import { electLeadersApi } from '@odradek/protocol/generated/apis/elect-leaders.ts';
import type { ElectLeadersRequest } from '@odradek/protocol/generated/elect-leaders-request.ts';
import type { ElectLeadersResponseInput } from '@odradek/protocol/generated/elect-leaders-response.ts';
import type { Handler, RequestContext } from './handler.ts';

const ELECTION_TYPES: readonly ElectionType[] = ['preferred', 'unclean'];

export const electLeadersHandler: Handler<ElectLeadersRequest, ElectLeadersResponseInput> = {
  api: electLeadersApi,
  versionMin: 0,
  versionMax: 2,

  async handle(request, context) {
    const type = context.apiVersion === 0 ? 'preferred' : ELECTION_TYPES[request.electionType];
    if (type === undefined) return this.failed(request, ErrorCode.INVALID_REQUEST, context);
    const asked = partitionsOf(request);
    const outcomes = await context.broker.topics.electLeaders(type, asked ?? allPartitions(context));
    // Asked for all, the answer leaves out those that are led as they should be.
    const told =
      asked === null
        ? outcomes.filter(({ fault }) => fault?.errorCode !== ErrorCode.ELECTION_NOT_NEEDED)
        : outcomes;
    return answer(ErrorCode.NONE, told);
  },

  failed(request, errorCode) {
    const fault = { errorCode, errorMessage: errorMessage(errorCode) };
    return answer(
      errorCode,
      (partitionsOf(request) ?? []).map((partition) => ({ ...partition, fault })),
    );
  },
};

/** Each partition once, or null: all. */
function partitionsOf(request: ElectLeadersRequest): TopicPartition[] | null {
  if (request.topicPartitions === null) return null;
  return request.topicPartitions.flatMap(({ topic, partitions }) =>
    [...new Set(partitions)].map((partition) => ({ topic, partition })),
  );
}

function allPartitions(context: RequestContext): TopicPartition[] {
  return Array.from(context.broker.metadata.topics()).flatMap(({ name, partitions }) =>
    partitions.map(({ index }) => ({ topic: name, partition: index })),
  );
}

function answer(errorCode: number, outcomes: readonly ElectionOutcome[]): ElectLeadersResponseInput {
  const byTopic = new Map<string, ElectionOutcome[]>();
  for (const outcome of outcomes) {
    const list = byTopic.get(outcome.topic);
    if (list === undefined) byTopic.set(outcome.topic, [outcome]);
    else list.push(outcome);
  }
  return {
    throttleTimeMs: 0,
    errorCode,
    replicaElectionResults: [...byTopic].map(([topic, list]) => ({
      topic,
      partitionResult: list.map(({ partition, fault }) => ({
        partitionId: partition,
        errorCode: fault?.errorCode ?? ErrorCode.NONE,
        errorMessage: fault?.errorMessage ?? null,
      })),
    })),
  };
}
