import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import type { FetchPartition, FetchPartitionResult } from './fetch-request.ts';
import { FetchSession, nextSessionEpoch } from './fetch-session.ts';

export const NO_SESSION = 0;
const FIRST_EPOCH = 0;
const FINAL_EPOCH = -1;

/** A session that was not used for so long gives way to a new one. */
const IDLE_EVICTION_MS = 120_000;

const SESSION_ID_MAX = 0x7fffffff;

export interface FetchSessionRequest {
  readonly sessionId: number;
  readonly sessionEpoch: number;
  /** All partitions of a full fetch; the new and changed ones of an incremental fetch. */
  readonly partitions: readonly FetchPartition[];
  readonly forgotten: readonly { topic: string; topicId: string; partition: number }[];
  /** Fetch v13 and later: partitions are known by topic id. */
  readonly usesTopicIds: boolean;
  /** Sent by a follower; its session takes precedence over those of consumers. */
  readonly fromFollower: boolean;
  /** The name that a topic id has now, '' when none. */
  nameOf(topicId: string): string;
}

/** What is to be read for a request, and how its answer is made out of the results. */
export type FetchContext =
  | { readonly kind: 'refused'; readonly errorCode: number }
  | {
      readonly kind: 'read';
      readonly partitions: readonly FetchPartition[];
      /** The session of the answer and the results that belong into it; the others hold no records. */
      finish(results: readonly FetchPartitionResult[]): FetchSessionAnswer;
    };

export interface FetchSessionAnswer {
  readonly sessionId: number;
  readonly results: readonly FetchPartitionResult[];
}

/**
 * Incremental fetch sessions (KIP-227): a reader names its partitions once, and from then on both sides send
 * only what changed. At most `slotsMax` sessions are kept; when all are taken, a new one replaces one that was
 * idle for two minutes, else an older one that follows fewer partitions, else the reader gets no session, which
 * is always allowed.
 */
export class FetchSessions {
  /** In the order of last use. */
  private readonly sessions = new Map<number, FetchSession>();
  private readonly slotsMax: number;
  private readonly clock: Clock;
  private readonly random: Random;

  constructor(slotsMax: number, clock: Clock, random: Random) {
    this.slotsMax = slotsMax;
    this.clock = clock;
    this.random = random;
  }

  get size(): number {
    return this.sessions.size;
  }

  open(request: FetchSessionRequest): FetchContext {
    if (request.sessionEpoch === FIRST_EPOCH || request.sessionEpoch === FINAL_EPOCH) {
      return this.openFull(request);
    }
    return this.openIncremental(request);
  }

  private openFull(request: FetchSessionRequest): FetchContext {
    if (request.sessionId !== NO_SESSION) this.sessions.delete(request.sessionId);
    const { partitions } = request;
    if (request.sessionEpoch === FINAL_EPOCH) return withoutSession(partitions);
    return {
      kind: 'read',
      partitions,
      finish: (results) => ({ sessionId: this.create(request, results), results }),
    };
  }

  private openIncremental(request: FetchSessionRequest): FetchContext {
    const session = this.sessions.get(request.sessionId);
    if (session === undefined) return { kind: 'refused', errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND };
    if (session.epoch !== request.sessionEpoch) {
      return { kind: 'refused', errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH };
    }
    if (session.usesTopicIds !== request.usesTopicIds) {
      return { kind: 'refused', errorCode: ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR };
    }
    session.update(request.partitions, request.forgotten);
    if (session.size === 0) {
      this.sessions.delete(session.id);
      return withoutSession([]);
    }
    session.epoch = nextSessionEpoch(session.epoch);
    this.touch(session);
    return {
      kind: 'read',
      partitions: session.partitions(request.nameOf),
      finish: (results) => ({ sessionId: session.id, results: session.changedResults(results) }),
    };
  }

  private create(request: FetchSessionRequest, results: readonly FetchPartitionResult[]): number {
    if (!this.makeRoom(results.length, request.fromFollower)) return NO_SESSION;
    const session = new FetchSession({
      id: this.freeId(),
      usesTopicIds: request.usesTopicIds,
      fromFollower: request.fromFollower,
      createdMs: this.clock.monotonic(),
    });
    session.begin(results);
    this.sessions.set(session.id, session);
    return session.id;
  }

  private touch(session: FetchSession): void {
    session.lastUsedMs = this.clock.monotonic();
    this.sessions.delete(session.id);
    this.sessions.set(session.id, session);
  }

  private makeRoom(partitionCount: number, fromFollower: boolean): boolean {
    if (this.sessions.size < this.slotsMax) return true;
    const victim = this.idleSession() ?? this.smallerSession(partitionCount, fromFollower);
    if (victim === undefined) return false;
    this.sessions.delete(victim.id);
    return true;
  }

  private idleSession(): FetchSession | undefined {
    const [oldest] = this.sessions.values();
    if (oldest === undefined) return undefined;
    return this.clock.monotonic() - oldest.lastUsedMs > IDLE_EVICTION_MS ? oldest : undefined;
  }

  /** One that has had its time and follows fewer partitions; a follower may take any consumer's. */
  private smallerSession(partitionCount: number, fromFollower: boolean): FetchSession | undefined {
    const now = this.clock.monotonic();
    for (const session of this.sessions.values()) {
      if (fromFollower && !session.fromFollower) return session;
      const old = now - session.createdMs > IDLE_EVICTION_MS;
      if (old && session.size < partitionCount && (fromFollower || !session.fromFollower)) return session;
    }
    return undefined;
  }

  private freeId(): number {
    for (;;) {
      const id = 1 + Math.floor(this.random.fraction() * SESSION_ID_MAX);
      if (!this.sessions.has(id)) return id;
    }
  }
}

function withoutSession(partitions: readonly FetchPartition[]): FetchContext {
  return { kind: 'read', partitions, finish: (results) => ({ sessionId: NO_SESSION, results }) };
}
