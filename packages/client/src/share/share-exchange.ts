import type { ShareAcknowledgeRequestInput } from '@odradek/protocol/generated/share-acknowledge-request.ts';
import type {
  ShareFetchRequestFetchTopicInput,
  ShareFetchRequestInput,
} from '@odradek/protocol/generated/share-fetch-request.ts';
import { UnsupportedApiError } from '../errors.ts';
import { acknowledgementBatches, type AcknowledgedRange } from './acknowledgement.ts';
import type { AcquireMode } from './share-options.ts';
import { targetKey, type ShareSessionPlan, type ShareTarget } from './share-session.ts';

/** Version 0 of both was that of Kafka 4.0, where share groups were not for use yet. */
const VERSION_MIN = 1;
/** From here on locks can be renewed, and records be counted exactly (KIP-1222, KIP-1206). */
export const RENEW_VERSION = 2;

const ACQUIRE_MODES: Readonly<Record<AcquireMode, number>> = { batch_optimized: 0, record_limit: 1 };

/** Who asks. */
export interface ShareMember {
  readonly groupId: string;
  readonly memberId: string;
}

/** How much at once. */
export interface ShareTerms {
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxRecords: number;
  readonly acquireMode: AcquireMode;
}

/** @throws UnsupportedApiError */
export function shareFetchRequest(
  version: number,
  member: ShareMember,
  plan: ShareSessionPlan,
  ranges: readonly AcknowledgedRange[],
  terms: ShareTerms,
): ShareFetchRequestInput {
  requireVersion(version);
  const { acquireMode, maxRecords, ...limits } = terms;
  return {
    ...member,
    shareSessionEpoch: plan.epoch,
    ...limits,
    maxRecords,
    batchSize: maxRecords,
    ...(version >= RENEW_VERSION ? { shareAcquireMode: ACQUIRE_MODES[acquireMode], isRenewAck: false } : {}),
    topics: topicsOf(plan.added, ranges),
    forgottenTopicsData: [...Map.groupBy(plan.forgotten, ({ topicId }) => topicId)].map(
      ([topicId, ofTopic]) => ({ topicId, partitions: ofTopic.map(({ partition }) => partition) }),
    ),
  };
}

/** @throws UnsupportedApiError */
export function shareAcknowledgeRequest(
  version: number,
  member: ShareMember,
  epoch: number,
  ranges: readonly AcknowledgedRange[],
): ShareAcknowledgeRequestInput {
  requireVersion(version);
  const isRenewAck = ranges.some(({ type }) => type === 'renew');
  if (isRenewAck && version < RENEW_VERSION) throw renewalNotServed();
  return {
    ...member,
    shareSessionEpoch: epoch,
    ...(version >= RENEW_VERSION ? { isRenewAck } : {}),
    topics: topicsOf([], ranges),
  };
}

export function renewalNotServed(): UnsupportedApiError {
  return new UnsupportedApiError('the broker cannot renew locks: that needs Apache Kafka 4.2 or later');
}

function requireVersion(version: number): void {
  if (version >= VERSION_MIN) return;
  throw new UnsupportedApiError('the broker serves share groups only as Kafka 4.0 did, for trial');
}

/** Every partition that there is something to say of, once. */
function topicsOf(
  added: readonly ShareTarget[],
  ranges: readonly AcknowledgedRange[],
): ShareFetchRequestFetchTopicInput[] {
  const rangesByKey = Map.groupBy(ranges, targetKey);
  const targets = new Map([...added, ...ranges].map((target) => [targetKey(target), target]));
  const byTopic = Map.groupBy(targets.values(), ({ topicId }) => topicId);
  return [...byTopic].map(([topicId, ofTopic]) => ({
    topicId,
    partitions: ofTopic.map((target) => ({
      partitionIndex: target.partition,
      acknowledgementBatches: acknowledgementBatches(rangesByKey.get(targetKey(target)) ?? []),
    })),
  }));
}
