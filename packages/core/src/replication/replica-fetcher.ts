import { ErrorCode, KafkaError, errorName } from '@odradek/protocol/errors.ts';
import { fetchApi } from '@odradek/protocol/generated/apis/fetch.ts';
import type { FetchRequestInput } from '@odradek/protocol/generated/fetch-request.ts';
import type {
  FetchResponse,
  FetchResponsePartitionData,
} from '@odradek/protocol/generated/fetch-response.ts';
import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import { EARLIEST_TIMESTAMP, LATEST_TIMESTAMP } from '../log/offset-lookup.ts';
import type { EpochEnd } from '../log/leader-epoch-cache.ts';
import { cutFor } from '../log/truncation.ts';
import type { Timer } from '../ports/clock.ts';
import type { FetcherParts } from './fetcher-parts.ts';
import { FollowerSession, type FollowedFetch } from './follower-session.ts';
import { LeaderQuestions } from './leader-questions.ts';
import type { Partition } from './partition.ts';
import { UnsyncedReplicas } from './unsynced-replicas.ts';

/** What stands against fetching a partition. */
type Obstacle =
  /** Nothing. */
  | { readonly kind: 'none' }
  /** An error that may pass by itself. */
  | { readonly kind: 'pause'; readonly untilMs: number }
  /** The leader is asked where its log begins and ends. */
  | { readonly kind: 'out of range' }
  /** Only another word of the controller helps: the epoch has ended, or the disk has failed. */
  | { readonly kind: 'failed' };

interface Followed {
  readonly partition: Partition;
  readonly leaderEpoch: number;
  obstacle: Obstacle;
  /** It had all that was committed when the leader answered last. */
  hasCommitted: boolean;
  /** Answers in a row by which the leader has not heard yet that it leads. */
  refusals: number;
  /** Its log holds nothing that the leader of this epoch has not, as far as the leader's epochs tell. */
  isCompared: boolean;
}

/** What a fetch asked for, with the end of the log then. */
type Asked = ReadonlyMap<Followed, number>;

const NO_OBSTACLE: Obstacle = { kind: 'none' };
/** What a broker answers that the controller is still about to tell: this one has only heard of it sooner. */
const NOT_TOLD_YET: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_LEADER_EPOCH,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNKNOWN_TOPIC_ID,
]);
/** Doubled with each such answer in a row, up to `replica.fetch.backoff.ms`. */
const FIRST_PAUSE_MS = 10;
/** Earlier ones answer in a format of records that no log of today holds. */
const BATCHES_FROM = 4;
/** KIP-595: the leader tells within the answer where histories part. Of earlier ones that is asked before (KIP-279). */
const EPOCHS_FROM = 12;
const TOPIC_IDS_FROM = 13;
const REPLICA_STATE_FROM = 15;
const LAST_VERSION_BY_NAME = TOPIC_IDS_FROM - 1;

/** The leader's fetches do not tell where histories part: it must be asked for some partitions before. */
class NotComparedError extends Error {}

/**
 * Copies partitions from the one broker that leads them: one fetch under way at a time, in an incremental session.
 * Each fetch offset is the end of the own log, so nothing can be left out or taken twice; it says that all before is held
 * here, so what has to be synced for that is.
 *
 * Where histories part, a leader tells within the fetch from version 12 on. An older one (Apache Kafka before 2.7) is
 * asked by OffsetForLeaderEpoch before the first fetch of each leader epoch, and again until the answer is final.
 */
export class ReplicaFetcher {
  private readonly parts: FetcherParts;
  private readonly session = new FollowerSession();
  private readonly questions: LeaderQuestions;
  private readonly unsynced: UnsyncedReplicas;
  private readonly followed = new Map<Partition, Followed>();
  private isFetching = false;
  private pause: Timer | null = null;
  private isClosed = false;

  constructor(parts: FetcherParts) {
    this.parts = parts;
    this.questions = new LeaderQuestions(parts);
    this.unsynced = new UnsyncedReplicas(parts.clock, () => this.fetch());
  }

  get partitionCount(): number {
    return this.followed.size;
  }

  /** Copies the partition from here on, as of its leader epoch. */
  follow(partition: Partition): void {
    const { leaderEpoch } = partition;
    cutWithoutEpochs(partition);
    this.followed.set(partition, {
      partition,
      leaderEpoch,
      obstacle: NO_OBSTACLE,
      hasCommitted: false,
      refusals: 0,
      isCompared: false,
    });
    this.fetch();
  }

  unfollow(partition: Partition): void {
    this.followed.delete(partition);
  }

  close(): void {
    this.isClosed = true;
    this.pause?.cancel();
    this.unsynced.forgetAll();
    this.parts.link.close();
  }

  private fetch(): void {
    if (this.isFetching || this.isClosed) return;
    const nowMs = this.parts.clock.monotonic();
    const able = [...this.followed.values()].filter(({ obstacle }) => isReady(obstacle, nowMs));
    const syncMs = this.awaitSyncs(able);
    if (syncMs > 0) return this.fetchLater(syncMs);
    const unhindered = able.filter(({ partition }) => !partition.log.isHeldBack);
    const ready = this.withoutThrottled(unhindered);
    if (ready.length === 0) {
      const isThrottled = unhindered.length > 0;
      return this.fetchLater(isThrottled ? this.parts.settings().backoffMs : this.nextMs() - nowMs);
    }
    this.pause?.cancel();
    this.pause = null;
    this.isFetching = true;
    let asked: Asked = new Map();
    const { waitMaxMs, timeoutMs } = this.parts.settings();
    this.parts.link.request(
      {
        api: fetchApi,
        build: (version) => {
          // Connecting takes time: what is asked must hold by now.
          const followed = ready.filter((each) => this.isFollowed(each));
          asked = new Map(followed.map((each) => [each, each.partition.log.logEndOffset]));
          return this.requestFor(followed, version);
        },
        timeoutMs: waitMaxMs + timeoutMs,
        ...(ready.every(({ partition }) => partition.isKnownById)
          ? {}
          : { versionMax: LAST_VERSION_BY_NAME }),
      },
      (error, answer) => {
        this.isFetching = false;
        if (this.isClosed) return;
        if (error instanceof NotComparedError) return this.compare(ready);
        if (error === null) this.take(answer.body, answer.version, asked);
        else this.lostLeader(error);
        this.fetch();
      },
    );
  }

  /** @returns how long to wait for them before the others are fetched alone, in ms */
  private awaitSyncs(able: readonly Followed[]): number {
    const unsynced = able.map(({ partition }) => partition).filter(({ log }) => log.isHeldBack);
    return this.unsynced.waitFor(unsynced, this.parts.settings().waitMaxMs);
  }

  /** Those that have all that is committed go on while the rate is exceeded: they would leave the in-sync set. */
  private withoutThrottled(followed: readonly Followed[]): readonly Followed[] {
    const isThrottled = ({ partition, hasCommitted }: Followed) =>
      !hasCommitted && partition.isThrottledAsFollower;
    const isExceeded = followed.some(isThrottled) && this.parts.quota?.isExceeded() === true;
    return isExceeded ? followed.filter((each) => !isThrottled(each)) : followed;
  }

  private fetchLater(delayMs: number): void {
    this.pause?.cancel();
    this.pause = null;
    if (!Number.isFinite(delayMs)) return;
    this.pause = this.parts.timers.after(Math.max(0, delayMs), () => this.fetch());
  }

  private nextMs(): number {
    const pauses = [...this.followed.values()].map(({ obstacle }) => obstacle);
    return Math.min(...pauses.map((obstacle) => (obstacle.kind === 'pause' ? obstacle.untilMs : Infinity)));
  }

  private requestFor(ready: readonly Followed[], version: number): FetchRequestInput {
    const { nodeId } = this.parts;
    if (version < BATCHES_FROM) {
      throw new KafkaError(
        ErrorCode.UNSUPPORTED_VERSION,
        `the leader serves Fetch up to version ${version}, ${BATCHES_FROM} is needed for the records of today`,
      );
    }
    const tellsEpochs = version >= EPOCHS_FROM;
    if (!tellsEpochs && ready.some(needsComparison)) throw new NotComparedError();
    const fetches = ready.map((followed) => fetchOf(followed, tellsEpochs));
    const { waitMaxMs, minBytes, maxBytes, partitionMaxBytes } = this.parts.settings();
    const usesTopicIds = version >= TOPIC_IDS_FROM;
    const identity =
      version >= REPLICA_STATE_FROM
        ? { replicaState: { replicaId: nodeId, replicaEpoch: this.parts.brokerEpoch() } }
        : { replicaId: nodeId };
    return {
      ...identity,
      maxWaitMs: waitMaxMs,
      minBytes,
      maxBytes,
      ...this.session.fieldsFor(fetches, partitionMaxBytes, usesTopicIds),
    };
  }

  private take(answer: FetchResponse, version: number, asked: Asked): void {
    if (answer.errorCode !== ErrorCode.NONE) return this.sessionRefused(answer.errorCode);
    this.session.answered(answer.sessionId);
    const byKey = new Map(
      [...asked.keys()].map((followed) => [answerKey(followed.partition, version), followed]),
    );
    for (const { topic, topicId, partitions } of answer.responses) {
      for (const data of partitions) {
        const followed = byKey.get(answerKey({ topic, topicId, index: data.partitionIndex }, version));
        if (followed === undefined) continue;
        // What was told and not taken would not be told again.
        if (!this.isStillAsked(followed, asked.get(followed)!)) this.session.reset();
        else this.takePartition(followed, data);
      }
    }
    this.parts.progressed();
  }

  /** While the answer was on its way another epoch may have begun. */
  private isStillAsked(followed: Followed, fetchOffset: number): boolean {
    return this.isFollowed(followed) && followed.partition.log.logEndOffset === fetchOffset;
  }

  /** In the same epoch still. */
  private isFollowed(followed: Followed): boolean {
    return this.followed.get(followed.partition) === followed;
  }

  private takePartition(followed: Followed, data: FetchResponsePartitionData): void {
    const { partition, leaderEpoch } = followed;
    try {
      if (data.errorCode !== ErrorCode.NONE) return this.partitionRefused(followed, data.errorCode);
      if (data.divergingEpoch.endOffset >= 0) {
        this.truncate(followed, data.divergingEpoch);
        return;
      }
      const { highWatermark, logStartOffset } = data;
      const records = data.records ?? Buffer.alloc(0);
      partition.appendAsFollower(records, leaderEpoch, { highWatermark, logStartOffset });
      followed.obstacle = NO_OBSTACLE;
      followed.refusals = 0;
      followed.isCompared = true;
      followed.hasCommitted = partition.log.logEndOffset >= highWatermark;
      if (partition.isThrottledAsFollower) this.parts.quota?.record(records.length);
    } catch (error) {
      this.failed(followed, error);
    }
  }

  /** Asks an older leader where the histories part, before it is fetched from. */
  private compare(ready: readonly Followed[]): void {
    const asked = ready.filter((each) => this.isFollowed(each) && needsComparison(each));
    if (asked.length === 0) return this.fetch();
    this.isFetching = true;
    this.questions.epochEnds(asked, (error, answers) => {
      this.isFetching = false;
      if (this.isClosed) return;
      if (error !== null) this.lostLeader(error);
      else for (const followed of asked) this.takeEpochEnd(followed, answers.get(followed)!);
      this.parts.progressed();
      this.fetch();
    });
  }

  private takeEpochEnd(followed: Followed, { errorCode, end }: { errorCode: number; end: EpochEnd }): void {
    // Another epoch may have begun meanwhile.
    if (!this.isFollowed(followed)) return;
    try {
      if (errorCode !== ErrorCode.NONE) return this.partitionRefused(followed, errorCode);
      followed.isCompared = this.truncate(followed, end);
    } catch (error) {
      this.failed(followed, error);
    }
  }

  /** @returns whether nothing is left that may part from the leader's history */
  private truncate({ partition, leaderEpoch }: Followed, end: EpochEnd): boolean {
    partition.requireFollowing(leaderEpoch);
    const { log } = partition;
    const { offset, isFinal } = cutFor(log, end);
    const values = {
      topic: partition.topic,
      partition: partition.index,
      offset,
      logEndOffset: log.logEndOffset,
    };
    if (offset < log.highWatermark) {
      this.parts.log.warn('cutting a log below its high watermark', {
        ...values,
        highWatermark: log.highWatermark,
      });
    } else if (offset < log.logEndOffset) {
      this.parts.log.info('cutting a log to where it agrees with its leader', values);
    }
    // Also where there is nothing to cut: epochs without records may have to go.
    log.truncateTo(offset);
    cutWithoutEpochs(partition);
    // The leader has told its high watermark as well, which may lie beyond what was common then.
    this.session.reset();
    return isFinal;
  }

  private partitionRefused(followed: Followed, errorCode: number): void {
    switch (errorCode) {
      case ErrorCode.OFFSET_OUT_OF_RANGE:
        followed.obstacle = { kind: 'out of range' };
        return this.askForRange(followed);
      case ErrorCode.FENCED_LEADER_EPOCH:
        // The leader knows of a later epoch; the controller will tell of it here, too.
        followed.obstacle = { kind: 'failed' };
        return;
      default:
        if (NOT_TOLD_YET.has(errorCode)) followed.refusals += 1;
        this.pauseFor(followed, `the leader answers ${errorName(errorCode)}`);
    }
  }

  private failed(followed: Followed, error: unknown): void {
    this.session.reset();
    // A disk that only refused, since it is full, may take the same later.
    if (followed.partition.log.isOffline) {
      followed.obstacle = { kind: 'failed' };
    } else if (error instanceof KafkaError || error instanceof MalformedBytesError) {
      this.pauseFor(followed, error.message);
    } else {
      throw error;
    }
  }

  private pauseFor(followed: Followed, reason: string): void {
    const { topic, index } = followed.partition;
    const { leaderId, clock } = this.parts;
    const { backoffMs } = this.parts.settings();
    const pauseMs = followed.refusals === 0 ? backoffMs : FIRST_PAUSE_MS * 2 ** (followed.refusals - 1);
    followed.obstacle = { kind: 'pause', untilMs: clock.monotonic() + Math.min(pauseMs, backoffMs) };
    this.parts.log.info('a partition cannot be copied from its leader for now', {
      topic,
      partition: index,
      leaderId,
      reason,
    });
  }

  private sessionRefused(errorCode: number): void {
    // A session may be gone at any time; that a new one is refused is no such case.
    const isRoutine = this.session.isOpen;
    this.session.reset();
    if (!isRoutine) this.pauseAll(`the leader answers ${errorName(errorCode)}`);
  }

  private lostLeader(error: Error): void {
    this.session.reset();
    this.pauseAll(error.message);
  }

  private pauseAll(reason: string): void {
    const { leaderId, clock, log } = this.parts;
    const untilMs = clock.monotonic() + this.parts.settings().backoffMs;
    for (const followed of this.followed.values()) {
      if (followed.obstacle.kind !== 'failed') followed.obstacle = { kind: 'pause', untilMs };
    }
    log.info('a leader cannot be fetched from for now', { leaderId, partitions: this.followed.size, reason });
  }

  /**
   * The leader's log ends before ours (an unclean election) or begins behind our end (it deleted what we lack): the
   * first loses its surplus, the second begins anew where the leader does.
   */
  private askForRange(followed: Followed): void {
    this.askOffset(followed, LATEST_TIMESTAMP, (leaderEnd) => {
      const { log } = followed.partition;
      if (leaderEnd < log.logEndOffset) {
        this.parts.log.warn('cutting a log to the end of its leader', this.rangeOf(followed, leaderEnd));
        log.truncateTo(leaderEnd);
        return this.ready(followed);
      }
      this.askOffset(followed, EARLIEST_TIMESTAMP, (leaderStart) => {
        if (leaderStart > log.logEndOffset) {
          const range = this.rangeOf(followed, leaderStart);
          this.parts.log.warn('beginning a log anew at the start of its leader', range);
          log.truncateFullyAndStartAt(leaderStart);
          return this.ready(followed);
        }
        // The leader's log has changed since, or has lost its epochs: no use in asking without end.
        this.pauseFor(followed, 'the leader refused an offset that lies within its log');
        this.fetch();
      });
    });
  }

  private rangeOf({ partition }: Followed, leaderOffset: number) {
    const { topic, index, log } = partition;
    return { topic, partition: index, leaderOffset, logEndOffset: log.logEndOffset };
  }

  private ready(followed: Followed): void {
    followed.obstacle = NO_OBSTACLE;
    followed.isCompared = false;
    this.fetch();
  }

  private askOffset(followed: Followed, timestamp: number, use: (offset: number) => void): void {
    this.questions.offset(followed, timestamp, (error, told) => {
      if (this.isClosed || !this.isFollowed(followed)) return;
      if (error !== null || told.errorCode !== ErrorCode.NONE) {
        this.pauseFor(followed, error?.message ?? `the leader answers ${errorName(told?.errorCode ?? -1)}`);
        return this.fetch();
      }
      try {
        followed.partition.requireFollowing(followed.leaderEpoch);
        use(told.offset);
      } catch (failure) {
        this.failed(followed, failure);
        this.fetch();
      }
    });
  }
}

/** Without epochs there is nobody to say where the histories part; what is committed they have in common. */
function cutWithoutEpochs({ log }: Partition): void {
  if (log.latestLeaderEpoch < 0 && log.logEndOffset > log.highWatermark) log.truncateTo(log.highWatermark);
}

function needsComparison({ isCompared, partition }: Followed): boolean {
  return !isCompared && partition.log.latestLeaderEpoch >= 0;
}

/** Answers name topics by id from some version on. */
function answerKey(partition: { topic: string; topicId: string; index: number }, version: number): string {
  const { topic, topicId, index } = partition;
  return `${version >= TOPIC_IDS_FROM ? topicId : topic} ${index}`;
}

function isReady(obstacle: Obstacle, nowMs: number): boolean {
  return obstacle.kind === 'none' || (obstacle.kind === 'pause' && obstacle.untilMs <= nowMs);
}

function fetchOf({ partition, leaderEpoch }: Followed, tellsEpochs: boolean): FollowedFetch {
  const { topic, topicId, index, log } = partition;
  return {
    topic,
    topicId,
    partition: index,
    fetchOffset: log.logEndOffset,
    logStartOffset: log.logStartOffset,
    currentLeaderEpoch: leaderEpoch,
    lastFetchedEpoch: tellsEpochs ? log.latestLeaderEpoch : -1,
  };
}
