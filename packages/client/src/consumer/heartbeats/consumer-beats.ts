import { ErrorCode, isRetriable } from '@odradek/protocol/errors.ts';
import { consumerGroupHeartbeatApi } from '@odradek/protocol/generated/apis/consumer-group-heartbeat.ts';
import type { ConsumerGroupHeartbeatRequestInput } from '@odradek/protocol/generated/consumer-group-heartbeat-request.ts';
import type { ConsumerGroupHeartbeatResponse } from '@odradek/protocol/generated/consumer-group-heartbeat-response.ts';
import { UnsupportedApiError } from '../../errors.ts';
import type { BeatProtocol } from './beat-protocol.ts';

/** What a member says (KIP-848). */
export interface ConsumerBeat {
  /** As it goes out: it may leave out what the coordinator knows. */
  readonly request: ConsumerGroupHeartbeatRequestInput;
  /** With nothing left out, for when nobody knows what the coordinator has heard. */
  readonly whole: ConsumerGroupHeartbeatRequestInput;
}

/** Epochs that say something else than a state of the group. */
export const JOIN_EPOCH = 0;
const LEAVE_EPOCH = -1;
const STATIC_LEAVE_EPOCH = -2;

const LEAVE_TIMEOUT_MS = 5_000;
/** From which on the coordinator matches topics with an expression. */
const PATTERN_VERSION = 1;

export const consumerBeats: BeatProtocol<ConsumerBeat, ConsumerGroupHeartbeatResponse> = {
  send: (coordinator, { request }, timeoutMs) =>
    coordinator.requestOnce(
      consumerGroupHeartbeatApi,
      (version) => forVersion(request, version),
      ({ errorCode }) => [errorCode],
      { timeoutMs },
    ),
  next(beat, { errorCode, memberEpoch }) {
    if (errorCode !== ErrorCode.NONE) return isRetriable(errorCode) ? this.nextAfterFailure(beat) : null;
    const { groupId, memberId, instanceId } = beat.whole;
    const bare = { groupId, memberId, memberEpoch, ...(instanceId === undefined ? {} : { instanceId }) };
    return { request: bare, whole: { ...beat.whole, memberEpoch } };
  },
  // Whoever joins does so by itself, and may want to no more.
  nextAfterFailure: ({ whole }) => (whole.memberEpoch > JOIN_EPOCH ? { request: whole, whole } : null),
  broughtUpToDate(beat, kept) {
    const { memberEpoch } = kept.whole;
    const isLate = beat.whole.memberEpoch > JOIN_EPOCH && memberEpoch > beat.whole.memberEpoch;
    if (!isLate) return beat;
    return { request: { ...beat.request, memberEpoch }, whole: { ...beat.whole, memberEpoch } };
  },
  intervalMs: ({ errorCode, heartbeatIntervalMs }) =>
    errorCode === ErrorCode.NONE ? Math.max(heartbeatIntervalMs, 1) : null,
  async leave(coordinator, { whole: { groupId, memberId, instanceId = null } }) {
    const memberEpoch = instanceId === null ? LEAVE_EPOCH : STATIC_LEAVE_EPOCH;
    const request = { groupId, memberId, memberEpoch, instanceId };
    await coordinator.requestOnce(consumerGroupHeartbeatApi, request, ({ errorCode }) => [errorCode], {
      timeoutMs: LEAVE_TIMEOUT_MS,
    });
  },
};

/** @throws UnsupportedApiError when the broker could not be told of the expression */
function forVersion(
  request: ConsumerGroupHeartbeatRequestInput,
  version: number,
): ConsumerGroupHeartbeatRequestInput {
  if (version >= PATTERN_VERSION) return request;
  const { subscribedTopicRegex, ...rest } = request;
  if ((subscribedTopicRegex ?? null) === null) return rest;
  throw new UnsupportedApiError(
    'the broker matches no topics with serverTopicPattern: ConsumerGroupHeartbeat version 1 is needed (Kafka 4.0)',
  );
}
