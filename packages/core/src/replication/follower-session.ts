import type { FetchRequestInput } from '@odradek/protocol/generated/fetch-request.ts';
import { nextSessionEpoch } from './fetch-session.ts';

/** What a follower asks of one partition. */
export interface FollowedFetch {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly fetchOffset: number;
  readonly logStartOffset: number;
  readonly currentLeaderEpoch: number;
  readonly lastFetchedEpoch: number;
}

/** The part of a fetch request that a session decides about. */
export type SessionFields = Required<
  Pick<FetchRequestInput, 'sessionId' | 'sessionEpoch' | 'topics' | 'forgottenTopicsData'>
>;

const NO_SESSION = 0;
const NEW_SESSION_EPOCH = 0;

/**
 * The reader's side of an incremental fetch session (KIP-227): only what differs from the last request is sent,
 * and the leader answers only with what is new.
 */
export class FollowerSession {
  private sessionId = NO_SESSION;
  private epoch = NEW_SESSION_EPOCH;
  /** What the leader holds for the session, by partition. */
  private sent = new Map<string, FollowedFetch>();
  private usedTopicIds = false;

  /** Whether the next request goes on with a session that the leader keeps, as far as is known here. */
  get isOpen(): boolean {
    return this.epoch !== NEW_SESSION_EPOCH;
  }

  /** What to send so that the leader reads `wanted`, in this order at the first time. */
  fieldsFor(
    wanted: readonly FollowedFetch[],
    partitionMaxBytes: number,
    usesTopicIds: boolean,
  ): SessionFields {
    if (usesTopicIds !== this.usedTopicIds) this.reset();
    this.usedTopicIds = usesTopicIds;
    const isNew = this.epoch === NEW_SESSION_EPOCH;
    const toSend = isNew ? wanted : wanted.filter((fetch) => !isSame(fetch, this.sent.get(keyOf(fetch))));
    const next = new Map(wanted.map((fetch) => [keyOf(fetch), fetch]));
    const forgotten = isNew ? [] : [...this.sent].filter(([key]) => !next.has(key)).map(([, fetch]) => fetch);
    this.sent = next;
    return {
      sessionId: this.sessionId,
      sessionEpoch: this.epoch,
      topics: grouped(toSend, usesTopicIds).map(({ name, fetches }) => ({
        ...name,
        partitions: fetches.map((fetch) => ({
          partition: fetch.partition,
          currentLeaderEpoch: fetch.currentLeaderEpoch,
          fetchOffset: fetch.fetchOffset,
          lastFetchedEpoch: fetch.lastFetchedEpoch,
          logStartOffset: fetch.logStartOffset,
          partitionMaxBytes,
        })),
      })),
      forgottenTopicsData: grouped(forgotten, usesTopicIds).map(({ name, fetches }) => ({
        ...name,
        partitions: fetches.map(({ partition }) => partition),
      })),
    };
  }

  /** The leader has answered; a session of 0 means that it keeps none. */
  answered(sessionId: number): void {
    this.sessionId = sessionId;
    if (sessionId === NO_SESSION) this.reset();
    else this.epoch = this.epoch === NEW_SESSION_EPOCH ? 1 : nextSessionEpoch(this.epoch);
  }

  /**
   * Nobody knows what the leader holds, or what it has told was not taken: the next request begins a new session,
   * and by the old one's id lets the leader forget that.
   */
  reset(): void {
    this.epoch = NEW_SESSION_EPOCH;
    this.sent = new Map();
  }
}

function keyOf({ topic, topicId, partition }: FollowedFetch): string {
  return `${topicId} ${topic} ${partition}`;
}

function isSame(one: FollowedFetch, other: FollowedFetch | undefined): boolean {
  return (
    other !== undefined &&
    one.fetchOffset === other.fetchOffset &&
    one.logStartOffset === other.logStartOffset &&
    one.currentLeaderEpoch === other.currentLeaderEpoch &&
    one.lastFetchedEpoch === other.lastFetchedEpoch
  );
}

function grouped(fetches: readonly FollowedFetch[], usesTopicIds: boolean) {
  const byTopic = Map.groupBy(fetches, ({ topic, topicId }) => (usesTopicIds ? topicId : topic));
  return [...byTopic].map(([key, ofTopic]) => ({
    name: usesTopicIds ? { topicId: key } : { topic: key },
    fetches: ofTopic,
  }));
}
