import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { FetchPartition, FetchPartitionResult } from './fetch-request.ts';

/** After the largest epoch comes 1: 0 would mean a new session. */
export function nextSessionEpoch(epoch: number): number {
  return epoch === 0x7fffffff ? 1 : epoch + 1;
}

/** What the reader asked of a partition, and what it was told last. */
interface Followed {
  request: FetchPartition;
  highWatermark: number;
  logStartOffset: number;
}

/** One incremental fetch session: the partitions that its reader follows, in the order in which they are read. */
export class FetchSession {
  readonly id: number;
  readonly usesTopicIds: boolean;
  readonly fromFollower: boolean;
  readonly createdMs: number;
  lastUsedMs: number;
  /** What the next request must carry. */
  epoch = 1;
  private readonly followed = new Map<string, Followed>();

  constructor(identity: { id: number; usesTopicIds: boolean; fromFollower: boolean; createdMs: number }) {
    this.id = identity.id;
    this.usesTopicIds = identity.usesTopicIds;
    this.fromFollower = identity.fromFollower;
    this.createdMs = identity.createdMs;
    this.lastUsedMs = identity.createdMs;
  }

  get size(): number {
    return this.followed.size;
  }

  /** Takes over the partitions of a full fetch, all of which were just told to the reader. */
  begin(results: readonly FetchPartitionResult[]): void {
    for (const result of results) {
      const followed = { request: result.request, highWatermark: -1, logStartOffset: -1 };
      remember(followed, result);
      this.followed.set(this.keyOf(result.request), followed);
    }
  }

  update(
    changed: readonly FetchPartition[],
    forgotten: readonly { topic: string; topicId: string; partition: number }[],
  ): void {
    for (const request of changed) {
      const known = this.followed.get(this.keyOf(request));
      if (known === undefined) {
        this.followed.set(this.keyOf(request), { request, highWatermark: -1, logStartOffset: -1 });
      } else {
        known.request = request;
      }
    }
    for (const partition of forgotten) this.followed.delete(this.keyOf(partition));
  }

  /** @param nameOf the name that a topic id has now, '' when none */
  partitions(nameOf: (topicId: string) => string): FetchPartition[] {
    const requests: FetchPartition[] = [];
    for (const followed of this.followed.values()) {
      if (this.usesTopicIds) followed.request = withName(followed.request, nameOf(followed.request.topicId));
      requests.push(followed.request);
    }
    return requests;
  }

  /**
   * The results that tell the reader something new. Partitions that gave records go to the end of the order, so
   * that a busy one cannot keep the others out of a limited answer.
   */
  changedResults(results: readonly FetchPartitionResult[]): FetchPartitionResult[] {
    return results.filter((result) => {
      const key = this.keyOf(result.request);
      const followed = this.followed.get(key);
      if (followed === undefined) return false;
      const isNews = hasNews(followed, result);
      if (isNews) remember(followed, result);
      if (result.records !== null) this.moveToEnd(key, followed);
      return isNews;
    });
  }

  private moveToEnd(key: string, followed: Followed): void {
    this.followed.delete(key);
    this.followed.set(key, followed);
  }

  private keyOf(partition: { topic: string; topicId: string; partition: number }): string {
    return `${this.usesTopicIds ? partition.topicId : partition.topic}:${partition.partition}`;
  }
}

function hasNews(followed: Followed, result: FetchPartitionResult): boolean {
  return (
    result.records !== null ||
    result.errorCode !== ErrorCode.NONE ||
    result.divergingEpoch !== null ||
    result.preferredReadReplica !== null ||
    result.highWatermark !== followed.highWatermark ||
    result.logStartOffset !== followed.logStartOffset
  );
}

/**
 * After an error the high watermark counts as untold, so that the partition appears once more when it is well; so
 * it does where histories part, since nothing else is taken of such an answer.
 */
function remember(followed: Followed, result: FetchPartitionResult): void {
  const isTaken = result.errorCode === ErrorCode.NONE && result.divergingEpoch === null;
  followed.highWatermark = isTaken ? result.highWatermark : -1;
  followed.logStartOffset = result.logStartOffset;
}

function withName(request: FetchPartition, topic: string): FetchPartition {
  return request.topic === topic ? request : { ...request, topic };
}
