import { partitionKey, type TopicPartition } from '../../cluster/topic-partition.ts';

/** One partition to fetch. */
export interface FetchTarget extends TopicPartition {
  /** ZERO_UUID when not known. */
  readonly topicId: string;
  readonly offset: number;
  /** -1 when not known. */
  readonly leaderEpoch: number;
  /** The epoch of the record before the offset, by which a broker sees that histories part (KIP-320); -1: not known. */
  readonly lastFetchedEpoch: number;
  readonly maxBytes: number;
}

/** What one request says of the partitions it is about. */
export interface SessionPlan {
  readonly sessionId: number;
  readonly sessionEpoch: number;
  /** All that are to be fetched, for brokers without sessions. */
  readonly all: readonly FetchTarget[];
  /** Those that the broker does not know, or knows differently. */
  readonly listed: readonly FetchTarget[];
  /** Those that it is not to fetch any more. */
  readonly forgotten: readonly FetchTarget[];
}

const NO_SESSION = 0;
/** Asks for a session, in place of the one named if there is one. */
const FIRST_EPOCH = 0;
const LAST_EPOCH = -1;
const EPOCH_MAX = 0x7fffffff;

/**
 * What one broker remembers of this reader's partitions (KIP-227), so that a request names only what has changed and
 * an answer only what is new. One request at a time: `plan`, then `answered` or `failed`. After anything but a good
 * answer the next request names everything again.
 */
export class FetchSession {
  private id = NO_SESSION;
  private epoch = FIRST_EPOCH;
  /** As the broker has them, by partition. */
  private known = new Map<string, FetchTarget>();

  get sessionId(): number {
    return this.id;
  }

  /** How to ask for exactly these partitions. */
  plan(targets: readonly FetchTarget[]): SessionPlan {
    const sessionId = this.id;
    const sessionEpoch = this.epoch;
    if (sessionEpoch === FIRST_EPOCH) {
      return { sessionId, sessionEpoch, all: targets, listed: targets, forgotten: [] };
    }
    const wanted = new Map(targets.map((target) => [partitionKey(target), target]));
    const listed = targets.filter((target) => !isSame(this.known.get(partitionKey(target)), target));
    // A topic that was made anew is another one under the same name: its old id goes as well.
    const forgotten = [...this.known.values()].filter(
      (before) => wanted.get(partitionKey(before))?.topicId !== before.topicId,
    );
    return { sessionId, sessionEpoch, all: targets, listed, forgotten };
  }

  /** @param sessionId as the answer says; 0 when the broker keeps none for us, or knows nothing of sessions */
  answered(plan: SessionPlan, sessionId: number): void {
    if (sessionId === NO_SESSION) return this.failed();
    this.id = sessionId;
    this.epoch = plan.sessionEpoch === EPOCH_MAX ? 1 : plan.sessionEpoch + 1;
    this.known = new Map(plan.all.map((target) => [partitionKey(target), target]));
  }

  /** What the broker has is not known any more, if anything. The id is kept, to free its place. */
  failed(isGone = true): void {
    if (isGone) this.id = NO_SESSION;
    this.epoch = FIRST_EPOCH;
    this.known.clear();
  }

  /** What ends the session; null when there is none. */
  farewell(): SessionPlan | null {
    if (this.id === NO_SESSION) return null;
    return { sessionId: this.id, sessionEpoch: LAST_EPOCH, all: [], listed: [], forgotten: [] };
  }
}

function isSame(a: FetchTarget | undefined, b: FetchTarget): boolean {
  return (
    a !== undefined &&
    a.topicId === b.topicId &&
    a.offset === b.offset &&
    a.leaderEpoch === b.leaderEpoch &&
    a.lastFetchedEpoch === b.lastFetchedEpoch &&
    a.maxBytes === b.maxBytes
  );
}
