import { ErrorCode, KafkaError, errorName, isRetriable } from '@odradek/protocol/errors.ts';
import { backoffMs } from '../cluster/backoff.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { PartitionTrouble } from '../consumer/fetch/fetch-partition.ts';
import type { JoinTrouble } from '../consumer/membership.ts';
import type { Signal } from '../consumer/signal.ts';
import { asError, isRetriableError } from '../errors.ts';
import type { Timer } from '../ports/clock.ts';
import type { AcknowledgementOutcome } from './acknowledgement.ts';
import type { AcquiredRecord } from './acquired-record.ts';
import { Appetite } from './appetite.ts';
import type { ShareMember, ShareTerms } from './share-exchange.ts';
import { ShareLane, type ShareRefusal } from './share-lane.ts';
import type { ShareSettings } from './share-options.ts';
import { targetKey, type ShareTarget } from './share-session.ts';
import { Settlements } from './settlements.ts';

/** Refusals that pass, although Kafka's clients do not repeat them elsewhere. */
const PASSING_CODES: readonly number[] = [ErrorCode.UNKNOWN_SERVER_ERROR, ErrorCode.FENCED_STATE_EPOCH];

/** One helping of records should last for so much of a lock. */
const HELPING_SHARE = 1 / 10;
/** No request waits for longer than this part of a lock, so that renewals are sent in time. */
const WAIT_SHARE = 1 / 4;
/** Locks are looked at so often within the time of one. */
const LOOKS_PER_LOCK = 10;

export interface ShareCounts {
  recordsAcquired: number;
  recordsAccepted: number;
  recordsReleased: number;
  recordsRejected: number;
  /** Verdicts that do not stand, or may not. */
  acknowledgementsFailed: number;
  /** Batches that could not be decoded. */
  unreadable: number;
}

const COUNT_OF = {
  accept: 'recordsAccepted',
  release: 'recordsReleased',
  reject: 'recordsRejected',
} as const;

/** A partition that was refused, until it is tried again. */
interface Pause {
  readonly failures: number;
  readonly notBeforeMs: number;
  readonly trouble: PartitionTrouble;
}

/**
 * Acquires records of the assigned partitions from their leaders, and tells those what became of them. Records are
 * asked for when there are hardly any left, and no more than are handled in a short time: what waits here is withheld
 * from others.
 */
export class ShareFetcher {
  readonly counts: ShareCounts = {
    recordsAcquired: 0,
    recordsAccepted: 0,
    recordsReleased: 0,
    recordsRejected: 0,
    acknowledgementsFailed: 0,
    unreadable: 0,
  };
  private readonly cluster: Cluster;
  private readonly member: ShareMember;
  private readonly settings: ShareSettings;
  private readonly changed: Signal;
  private readonly settlements: Settlements;
  private readonly lanes = new Map<number, ShareLane>();
  private targets: readonly ShareTarget[] = [];
  private readonly paused = new Map<string, Pause>();
  private buffer: AcquiredRecord[] = [];
  /** The first of the buffer that is not handed out. */
  private bufferAt = 0;
  private appetite: Appetite;
  private flushes = 0;
  private tending: Timer | null = null;
  /** Monotonic. */
  private tendingAtMs = Infinity;
  private refreshing = false;
  private isWanted = false;
  private isClosed = false;
  private failure: Error | null = null;
  private laneTrouble: JoinTrouble | null = null;

  /** @param changed told when there may be records, a failure, or something else to do */
  constructor(cluster: Cluster, member: ShareMember, settings: ShareSettings, changed: Signal) {
    this.cluster = cluster;
    this.member = member;
    this.settings = settings;
    this.changed = changed;
    this.appetite = new Appetite(1, settings.maxPollRecords);
    this.settlements = new Settlements((outcomes) => this.report(outcomes));
  }

  /** @param count of records that are handled at the same time, 1 or more */
  set concurrency(count: number) {
    this.appetite = new Appetite(count, this.settings.maxPollRecords);
  }

  /** Reads exactly these from now on. What waits of others is given back. */
  assign(targets: readonly ShareTarget[]): void {
    this.targets = targets;
    const keys = new Set(targets.map(targetKey));
    for (const key of this.paused.keys()) if (!keys.has(key)) this.paused.delete(key);
    for (const lane of this.lanes.values()) {
      for (const record of lane.held) {
        if (record.deliveredAtMs !== null || keys.has(targetKey(record))) continue;
        lane.giveBack(record, 'the partition is not assigned to this member any more');
      }
    }
    this.next();
  }

  /** Records that wait to be handed out. */
  get bufferedCount(): number {
    return this.buffer.length - this.bufferAt;
  }

  /** Records with a verdict that the brokers have not confirmed. */
  get unsettledCount(): number {
    return this.settlements.count;
  }

  /** Records in somebody's hands, without a verdict. */
  *inHand(): Generator<AcquiredRecord> {
    for (const lane of this.lanes.values()) {
      for (const record of lane.held) if (record.deliveredAtMs !== null) yield record;
    }
  }

  /** Why records may be missing although attempts go on. */
  get trouble(): JoinTrouble | null {
    let worst = this.laneTrouble;
    for (const { trouble } of this.paused.values()) {
      if (worst === null || trouble.sinceMs < worst.sinceMs) worst = trouble;
    }
    return worst;
  }

  /** Until something may be tried again, milliseconds; Infinity when nothing waits for that. */
  get pauseMs(): number {
    const { nowMs } = this;
    const waits = [...this.paused.values(), ...this.lanes.values()].map(
      ({ notBeforeMs }) => notBeforeMs - nowMs,
    );
    return Math.min(...waits.filter((waitMs) => waitMs > 0));
  }

  /**
   * The next records that are this member's for sure, maybe none.
   *
   * @throws what makes reading impossible, once per attempt
   */
  take(countMax: number): AcquiredRecord[] {
    const { failure, nowMs } = this;
    this.failure = null;
    if (failure !== null) throw failure;
    const taken: AcquiredRecord[] = [];
    while (taken.length < countMax && this.bufferAt < this.buffer.length) {
      const record = this.buffer[this.bufferAt++]!;
      if (record.lost !== null || record.lockedUntilMs <= nowMs) continue;
      record.deliveredAtMs = nowMs;
      taken.push(record);
    }
    if (this.bufferAt === this.buffer.length) {
      this.buffer = [];
      this.bufferAt = 0;
    }
    return taken;
  }

  /** Starts every request that can be made now. @param isWanted whether there is somebody to hand records to */
  ask(isWanted: boolean): void {
    this.isWanted = isWanted;
    if (this.isClosed) return;
    const { nowMs } = this;
    if (isWanted && this.bufferedCount === 0) this.appetite.emptied(nowMs, this.helpingMs);
    const byLeader = this.targetsByLeader(nowMs);
    for (const [nodeId, lane] of this.lanes) this.serve(lane, byLeader.get(nodeId) ?? []);
    this.tendLater();
  }

  /** What comes of all verdicts that were given until now; they are sent at once. */
  async flush(): Promise<readonly AcknowledgementOutcome[]> {
    this.flushes++;
    try {
      const all = this.settlements.all();
      this.ask(this.isWanted);
      return await all;
    } finally {
      this.flushes--;
    }
  }

  /** Gives back what has no verdict, says what became of the rest, and ends the sessions. Never throws. */
  async close(timeoutMs: number): Promise<void> {
    this.isClosed = true;
    this.tending?.cancel();
    const ends = [...this.lanes.values()].map(async (lane) => {
      while (lane.isBusy) await this.changed.wait(Infinity);
      await lane.close(this.cluster.metadata.node(lane.nodeId), timeoutMs);
    });
    await Promise.all(ends);
  }

  /** Tells whoever asks for records next. */
  fail(error: Error): void {
    this.failure ??= error;
    this.changed.notify();
  }

  /** No answer is waited for any more. */
  abandon(): void {
    this.isClosed = true;
    for (const lane of this.lanes.values()) lane.lose('the consumer is closed', null);
    this.changed.notify();
  }

  private get nowMs(): number {
    return this.cluster.environment.clock.monotonic();
  }

  private get lockMs(): number {
    const known = [...this.lanes.values()].map(({ lockDurationMs }) => lockDurationMs).filter((ms) => ms > 0);
    return known.length === 0 ? Infinity : Math.min(...known);
  }

  private get helpingMs(): number {
    return this.lockMs * HELPING_SHARE;
  }

  private serve(lane: ShareLane, targets: readonly ShareTarget[]): void {
    if (lane.isBusy || lane.notBeforeMs > this.nowMs) return;
    const node = this.cluster.metadata.node(lane.nodeId);
    if (node === undefined) {
      lane.lose('the broker has left the cluster', null);
      this.lanes.delete(lane.nodeId);
    } else if (lane.hasRenewals) void lane.extend(node);
    else if (lane.hasStrays(targets)) void lane.acknowledge(node);
    else if (targets.length > 0 && this.isWanted && this.bufferedCount === 0) {
      for (const { topic } of targets) this.cluster.touch(topic);
      void lane.fetch(node, targets, this.terms());
    } else if (this.isDue(lane)) void lane.acknowledge(node);
  }

  private isDue({ queuedSinceMs }: ShareLane): boolean {
    if (queuedSinceMs === null) return false;
    return this.flushes > 0 || this.nowMs - queuedSinceMs >= this.settings.acknowledgeIntervalMs;
  }

  private terms(): ShareTerms {
    const { fetchMinBytes: minBytes, fetchMaxBytes: maxBytes, acquireMode } = this.settings;
    const maxWaitMs = Math.min(this.settings.fetchMaxWaitMs, Math.floor(this.lockMs * WAIT_SHARE));
    return { maxWaitMs, minBytes, maxBytes, maxRecords: this.appetite.maxCount, acquireMode };
  }

  /** Those that may be read now; makes lanes for new leaders. */
  private targetsByLeader(nowMs: number): Map<number, ShareTarget[]> {
    const byLeader = new Map<number, ShareTarget[]>();
    const leaderless = new Set<string>();
    for (const target of this.targets) {
      if ((this.paused.get(targetKey(target))?.notBeforeMs ?? 0) > nowMs) continue;
      const { leaderId = -1 } = this.cluster.metadata.partition(target.topic, target.partition) ?? {};
      if (this.cluster.metadata.node(leaderId) === undefined) {
        leaderless.add(target.topic);
        this.pause(target, new KafkaError(ErrorCode.LEADER_NOT_AVAILABLE, 'it has no leader'));
        continue;
      }
      const ofLeader = byLeader.get(leaderId);
      if (ofLeader === undefined) byLeader.set(leaderId, [target]);
      else ofLeader.push(target);
      if (!this.lanes.has(leaderId)) this.lanes.set(leaderId, this.newLane(leaderId));
    }
    if (leaderless.size > 0) this.refresh(leaderless);
    return byLeader;
  }

  private newLane(nodeId: number): ShareLane {
    return new ShareLane(this.cluster, nodeId, this.member, this.settlements, {
      acquired: (records) => this.receive(records),
      refused: (target, refusal) => this.refused(target, refusal),
      answered: (targets) => this.noteProgress(targets),
      unreadable: (error) => {
        this.counts.unreadable++;
        this.callBack(() => this.settings.onUnreadable?.(error));
      },
      failed: (lane, error) => this.laneFailed(lane, error),
      changed: () => this.next(),
    });
  }

  /** Something has changed: maybe there is something to send, or somebody to tell. */
  private next(): void {
    this.changed.notify();
    if (this.flushes > 0 || this.settings.acknowledgeIntervalMs === 0) this.ask(this.isWanted);
    else this.tendLater();
  }

  private receive(records: readonly AcquiredRecord[]): void {
    this.counts.recordsAcquired += records.length;
    this.appetite.served(records.length, this.nowMs);
    // What comes while it closes is given back with the session.
    if (this.isClosed) return;
    for (const record of records) this.buffer.push(record);
  }

  private noteProgress(targets: readonly ShareTarget[]): void {
    this.laneTrouble = null;
    for (const target of targets) this.paused.delete(targetKey(target));
  }

  private refused(target: ShareTarget, { code, message, leader }: ShareRefusal): void {
    const error = new KafkaError(code, `${target.topic}-${target.partition}: ${message ?? errorName(code)}`);
    this.pause(target, error);
    const isKnown = this.cluster.metadata.noteLeader(target.topic, target.partition, leader);
    if (isKnown) this.paused.delete(targetKey(target));
    else this.refresh([target.topic]);
    if (!isRetriable(code) && !PASSING_CODES.includes(code)) this.fail(error);
  }

  private pause(target: ShareTarget, error: Error): void {
    const key = targetKey(target);
    const before = this.paused.get(key);
    const failures = (before?.failures ?? 0) + 1;
    const { settings, environment } = this.cluster;
    const { topic, partition } = target;
    this.paused.set(key, {
      failures,
      notBeforeMs: this.nowMs + backoffMs(settings.backoff, failures, environment.random),
      trouble: { topic, partition, sinceMs: before?.trouble.sinceMs ?? this.nowMs, error },
    });
  }

  private laneFailed(lane: ShareLane, error: Error): void {
    const { settings, environment } = this.cluster;
    lane.notBeforeMs = this.nowMs + backoffMs(settings.backoff, ++lane.failures, environment.random);
    if (this.isClosed) return;
    this.laneTrouble = { sinceMs: this.laneTrouble?.sinceMs ?? this.nowMs, error };
    if (!isRetriableError(error)) this.fail(error);
    this.refresh(new Set(this.targets.map(({ topic }) => topic)));
  }

  private report(outcomes: readonly AcknowledgementOutcome[]): void {
    for (const { verdict, offsets, error } of outcomes) {
      this.counts[error === null ? COUNT_OF[verdict] : 'acknowledgementsFailed'] += offsets.length;
    }
    this.callBack(() => this.settings.onAcknowledged?.(outcomes));
  }

  private callBack(call: () => void): void {
    try {
      call();
    } catch (thrown) {
      this.fail(asError(thrown));
    }
  }

  /** Locks run out, and acknowledgements fall due, also while nobody asks for records. */
  private tendLater(): void {
    const delayMs = this.untilTendingMs;
    const dueMs = this.nowMs + delayMs;
    if (delayMs === Infinity || this.isClosed || this.tendingAtMs <= dueMs) return;
    this.tending?.cancel();
    this.tendingAtMs = dueMs;
    this.tending = this.cluster.environment.timers.after(delayMs, () => {
      this.tendingAtMs = Infinity;
      const { renewLocks, maxHandlingMs } = this.settings;
      for (const lane of this.lanes.values()) lane.tendLocks(this.nowMs - maxHandlingMs, renewLocks);
      this.ask(this.isWanted);
    });
  }

  private get untilTendingMs(): number {
    const lanes = [...this.lanes.values()];
    const isHeld = lanes.some(({ held }) => held.size > 0);
    const looksMs = isHeld ? this.lockMs / LOOKS_PER_LOCK : Infinity;
    const { acknowledgeIntervalMs } = this.settings;
    const queuedMs = lanes.flatMap(({ isBusy, queuedSinceMs }) =>
      isBusy || queuedSinceMs === null ? [] : [queuedSinceMs + acknowledgeIntervalMs - this.nowMs],
    );
    return Math.max(Math.min(looksMs, ...queuedMs), 1);
  }

  private refresh(topics: Iterable<string>): void {
    if (this.refreshing) return;
    this.refreshing = true;
    const done = (): void => {
      this.refreshing = false;
      this.changed.notify();
    };
    this.cluster.refresh(topics).then(done, done);
  }
}
