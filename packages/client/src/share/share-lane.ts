import { ErrorCode, KafkaError, errorName } from '@odradek/protocol/errors.ts';
import { shareAcknowledgeApi } from '@odradek/protocol/generated/apis/share-acknowledge.ts';
import { shareFetchApi } from '@odradek/protocol/generated/apis/share-fetch.ts';
import type { ShareAcknowledgeResponse } from '@odradek/protocol/generated/share-acknowledge-response.ts';
import type { ShareFetchResponsePartitionData } from '@odradek/protocol/generated/share-fetch-response.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { BrokerNode } from '../cluster/metadata-cache.ts';
import { AcquisitionLostError, UnreadableRecordsError, asError } from '../errors.ts';
import type { AcknowledgedRange } from './acknowledgement.ts';
import { AcquiredRecord, type RecordHolder } from './acquired-record.ts';
import {
  RENEW_VERSION,
  renewalNotServed,
  shareAcknowledgeRequest,
  shareFetchRequest,
  type ShareMember,
  type ShareTerms,
} from './share-exchange.ts';
import { takeIn, type OffsetRange } from './share-intake.ts';
import { ShareSession, targetKey, type ShareTarget } from './share-session.ts';
import type { Settlements } from './settlements.ts';

/** What else is to be done about what a broker says. */
export interface LaneHooks {
  /** Records have come. */
  readonly acquired: (records: readonly AcquiredRecord[]) => void;
  /** These are read. */
  readonly answered: (targets: readonly ShareTarget[]) => void;
  /** A partition cannot be read or acknowledged here. */
  readonly refused: (target: ShareTarget, refusal: ShareRefusal) => void;
  readonly unreadable: (error: UnreadableRecordsError) => void;
  /** Nothing came of a request, or not what was asked for. */
  readonly failed: (lane: ShareLane, error: Error) => void;
  /** There is something to send, or may be. */
  readonly changed: () => void;
}

export interface ShareRefusal {
  readonly code: number;
  readonly message: string | null;
  readonly leader: { readonly leaderId: number; readonly leaderEpoch: number };
}

/** Codes after which somebody else has the partition, and has what was acquired here to give away. */
const MOVED_CODES: readonly number[] = [
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.FENCED_LEADER_EPOCH,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.FENCED_STATE_EPOCH,
];

interface QueuedRange extends AcknowledgedRange {
  /** Null for what applications know nothing of. */
  readonly record: AcquiredRecord | null;
}

type PartitionAnswer = ShareRefusal & ShareTarget;

/**
 * All that is said to one broker, one request at a time, for each takes the session's next number: what is read there,
 * what is acquired and what became of it. Acknowledgements go to the broker that gave the records, whoever leads now.
 */
export class ShareLane implements RecordHolder {
  readonly nodeId: number;
  isBusy = false;
  /** Monotonic time before which nothing is sent. */
  notBeforeMs = 0;
  failures = 0;
  /** Acquired and without a verdict. */
  readonly held = new Set<AcquiredRecord>();
  /** Monotonic time since when acknowledgements wait; null when none do. */
  queuedSinceMs: number | null = null;
  private readonly cluster: Cluster;
  private readonly member: ShareMember;
  private readonly settlements: Settlements;
  private readonly hooks: LaneHooks;
  private readonly session = new ShareSession();
  /** To be sent. What is under way is not among them. */
  private queued: QueuedRange[] = [];
  private sent: readonly QueuedRange[] = [];
  private renewals = new Set<AcquiredRecord>();
  /** As the broker said last, milliseconds. */
  private lockMs = 0;
  private version = 0;

  constructor(
    cluster: Cluster,
    nodeId: number,
    member: ShareMember,
    settlements: Settlements,
    hooks: LaneHooks,
  ) {
    this.cluster = cluster;
    this.nodeId = nodeId;
    this.member = member;
    this.settlements = settlements;
    this.hooks = hooks;
  }

  readonly settle = (record: AcquiredRecord): void => {
    this.settlements.begin(record);
    this.held.delete(record);
    this.renewals.delete(record);
    this.loseIfExpired(record);
    if (record.lost !== null) return this.settlements.endSoon(record, record.lost);
    const { topic, topicId, partition, offset } = record;
    this.queue({ topic, topicId, partition, first: offset, last: offset, type: record.verdict!, record });
    this.hooks.changed();
  };

  readonly renew = (record: AcquiredRecord): void => {
    if (record.lost !== null) return;
    if (!this.canRenew) throw renewalNotServed();
    this.renewals.add(record);
    this.hooks.changed();
  };

  get hasRenewals(): boolean {
    return this.renewals.size > 0;
  }

  /** How long records are this member's, milliseconds; 0 while that is not known. */
  get lockDurationMs(): number {
    return this.lockMs;
  }

  /** Acknowledgements wait of a partition that is not read here, and would be again if they went with a fetch. */
  hasStrays(targets: readonly ShareTarget[]): boolean {
    const keys = new Set(targets.map(targetKey));
    return this.queued.some((range) => !keys.has(targetKey(range)));
  }

  /** Marks for renewal what would be lost soon, and gives up what is. @param sinceMs nothing that began before is renewed */
  tendLocks(sinceMs: number, isRenewing: boolean): void {
    const { nowMs } = this;
    for (const record of this.held) {
      this.loseIfExpired(record);
      if (record.lost !== null) this.held.delete(record);
      else if (isRenewing && this.canRenew && record.lockedUntilMs - nowMs < this.lockMs / 2) {
        if ((record.deliveredAtMs ?? record.acquiredAtMs) >= sinceMs) this.renewals.add(record);
      }
    }
  }

  /** Others may have it at once; whoever works on it works in vain. */
  giveBack(record: AcquiredRecord, reason: string): void {
    this.held.delete(record);
    this.renewals.delete(record);
    this.loseIfExpired(record);
    if (record.lost === null)
      this.queueRanges(record, [{ first: record.offset, last: record.offset }], 'release');
    record.lose(new AcquisitionLostError(reason, null));
  }

  /** Asks for records, and says what became of earlier ones. Never throws. */
  fetch(node: BrokerNode, targets: readonly ShareTarget[], terms: ShareTerms): Promise<void> {
    return this.exchange(async () => {
      const plan = this.session.plan(targets);
      const sent = this.takeQueued();
      const answer = await this.cluster.request(
        node,
        shareFetchApi,
        (version) => {
          this.version = version;
          return shareFetchRequest(version, this.member, plan, sent, terms);
        },
        { channel: 'fetch', brokerWaitMs: terms.maxWaitMs },
      );
      this.throwFailure(answer);
      this.session.answered(targets);
      this.lockMs = answer.acquisitionLockTimeoutMs;
      const names = new Map([...targets, ...sent].map((target) => [targetKey(target), target]));
      const acknowledged: PartitionAnswer[] = [];
      const refused = new Set<string>();
      for (const { topicId, partitions } of answer.responses) {
        for (const data of partitions) {
          const target = names.get(targetKey({ topicId, partition: data.partitionIndex }));
          if (target === undefined) continue;
          acknowledged.push(acknowledgementIn(target, data));
          if (data.errorCode !== ErrorCode.NONE) refused.add(targetKey(target));
          this.receive(target, data);
        }
      }
      this.hooks.answered(targets.filter((target) => !refused.has(targetKey(target))));
      this.noteAnswers(sent, acknowledged);
    });
  }

  /** Says what became of records. Never throws. */
  acknowledge(node: BrokerNode): Promise<void> {
    return this.exchange(async () => {
      const sent = this.takeQueued();
      if (sent.length === 0) return;
      this.noteAnswers(sent, await this.tell(node, this.session.epoch, sent));
      this.session.answered();
    });
  }

  /** Asks for more time on records. Never throws. */
  extend(node: BrokerNode): Promise<void> {
    return this.exchange(async () => {
      const records = [...this.renewals].filter((record) => this.held.has(record));
      this.renewals.clear();
      if (records.length === 0) return;
      const ranges = records.map(({ topic, topicId, partition, offset }) => {
        return { topic, topicId, partition, first: offset, last: offset, type: 'renew' as const };
      });
      const answers = await this.tell(node, this.session.epoch, ranges);
      this.session.answered();
      const renewed = new Set(answers.filter(({ code }) => code === ErrorCode.NONE).map(targetKey));
      for (const record of records) {
        // Refused ones are given up when their time is over: one of them fails all of its partition.
        if (renewed.has(targetKey(record))) record.lockedUntilMs = this.nowMs + this.lockMs;
      }
    });
  }

  /**
   * Says what became of records, gives back the rest and ends the session, behind what is under way. Never throws.
   *
   * @param timeoutMs for the answer
   */
  async close(node: BrokerNode | undefined, timeoutMs: number): Promise<void> {
    for (const record of this.held) this.giveBack(record, 'the consumer is closed');
    if (node === undefined) return this.lose('the broker has left the cluster', null);
    if (!this.session.isOpen) return;
    await this.exchange(async () => {
      const sent = this.takeQueued();
      this.noteAnswers(sent, await this.tell(node, this.session.lastEpoch, sent, timeoutMs));
      this.session.lost();
    });
  }

  /** All that was acquired here is gone. */
  lose(reason: string, cause: Error | null): void {
    this.session.lost();
    const error = new AcquisitionLostError(reason, cause);
    const unsettled = [...this.sent, ...this.queued];
    this.sent = [];
    this.queued = [];
    this.queuedSinceMs = null;
    for (const record of this.held) record.lose(error);
    this.held.clear();
    this.renewals.clear();
    this.settlements.end(recordsOf(unsettled), error);
  }

  private get nowMs(): number {
    return this.cluster.environment.clock.monotonic();
  }

  private get canRenew(): boolean {
    return this.version >= RENEW_VERSION;
  }

  private async exchange(converse: () => Promise<void>): Promise<void> {
    this.isBusy = true;
    try {
      await converse();
      this.failures = 0;
    } catch (thrown) {
      const error = asError(thrown);
      this.lose('what this member had acquired is lost', error);
      this.hooks.failed(this, error);
    } finally {
      this.isBusy = false;
      this.hooks.changed();
    }
  }

  private queue(range: QueuedRange): void {
    this.queued.push(range);
    this.queuedSinceMs ??= this.nowMs;
  }

  /** What has run out while it waited would fail the others of its partition. */
  private takeQueued(): readonly QueuedRange[] {
    const queued = this.queued;
    this.queued = [];
    this.queuedSinceMs = null;
    for (const { record } of queued) if (record !== null) this.loseIfExpired(record);
    const late = recordsOf(queued).filter(({ lost }) => lost !== null);
    for (const record of late) this.settlements.end([record], record.lost);
    this.sent = queued.filter(({ record }) => record === null || record.lost === null);
    return this.sent;
  }

  private loseIfExpired(record: AcquiredRecord): void {
    if (record.lockedUntilMs > this.nowMs) return;
    record.lose(new AcquisitionLostError(`its lock of ${this.lockMs} ms has run out`, null));
  }

  private async tell(
    node: BrokerNode,
    epoch: number,
    ranges: readonly AcknowledgedRange[],
    timeoutMs?: number,
  ): Promise<PartitionAnswer[]> {
    const answer = await this.cluster.request(
      node,
      shareAcknowledgeApi,
      (version) => shareAcknowledgeRequest(version, this.member, epoch, ranges),
      { channel: 'fetch', ...(timeoutMs === undefined ? {} : { timeoutMs }) },
    );
    this.throwFailure(answer);
    if (answer.acquisitionLockTimeoutMs > 0) this.lockMs = answer.acquisitionLockTimeoutMs;
    return partitionAnswers(answer, ranges);
  }

  private throwFailure({
    errorCode,
    errorMessage,
  }: {
    errorCode: number;
    errorMessage: string | null;
  }): void {
    if (errorCode === ErrorCode.NONE) return;
    const message = `broker ${this.nodeId}: ${errorMessage ?? errorName(errorCode)}`;
    throw new KafkaError(errorCode, message);
  }

  private noteAnswers(sent: readonly QueuedRange[], answers: readonly PartitionAnswer[]): void {
    this.sent = [];
    const byKey = new Map(answers.map((answer) => [targetKey(answer), answer]));
    for (const ofPartition of Map.groupBy(sent, targetKey).values()) {
      const { topic, partition } = ofPartition[0]!;
      const answer = byKey.get(targetKey(ofPartition[0]!));
      const code = answer?.code ?? ErrorCode.INVALID_RECORD_STATE;
      const what =
        answer === undefined ? 'the broker says nothing of it' : (answer.message ?? errorName(code));
      const message = `acknowledging ${topic}-${partition}: ${what}`;
      const error = code === ErrorCode.NONE ? null : new KafkaError(code, message);
      this.settlements.end(recordsOf(ofPartition), error);
      if (answer !== undefined && MOVED_CODES.includes(code)) this.refuse(answer);
    }
  }

  private receive(target: ShareTarget, data: ShareFetchResponsePartitionData): void {
    const { errorCode: code, errorMessage: message, currentLeader: leader } = data;
    if (code !== ErrorCode.NONE) return this.refuse({ ...target, code, message, leader });
    if (data.acquiredRecords.length === 0) return;
    const { records, gaps, unreadable, error } = takeIn(data.records ?? EMPTY, data.acquiredRecords);
    const acquiredAtMs = this.nowMs;
    const lock = { acquiredAtMs, lockedUntilMs: acquiredAtMs + this.lockMs };
    const acquired = records.map(
      ({ record, deliveryCount }) => new AcquiredRecord(this, target, record, { deliveryCount, ...lock }),
    );
    for (const record of acquired) this.held.add(record);
    this.queueRanges(target, gaps, 'gap');
    this.queueRanges(target, unreadable, 'release');
    if (error !== null) this.hooks.unreadable(new UnreadableRecordsError(target, error.offset, error.cause));
    this.hooks.acquired(acquired);
  }

  private queueRanges(target: ShareTarget, ranges: readonly OffsetRange[], type: 'gap' | 'release'): void {
    const { topic, topicId, partition } = target;
    for (const range of ranges) this.queue({ topic, topicId, partition, ...range, type, record: null });
  }

  private refuse(answer: PartitionAnswer): void {
    if (MOVED_CODES.includes(answer.code)) {
      const error = new AcquisitionLostError('the partition is led by another broker now', null);
      for (const record of this.held) {
        if (targetKey(record) !== targetKey(answer)) continue;
        record.lose(error);
        this.held.delete(record);
      }
    }
    this.hooks.refused(answer, answer);
  }
}

function recordsOf(ranges: readonly QueuedRange[]): AcquiredRecord[] {
  return ranges.flatMap(({ record }) => (record === null ? [] : [record]));
}

function acknowledgementIn(target: ShareTarget, data: ShareFetchResponsePartitionData): PartitionAnswer {
  const { topic, topicId, partition } = target;
  const { acknowledgeErrorCode: code, acknowledgeErrorMessage: message, currentLeader: leader } = data;
  return { topic, topicId, partition, code, message, leader };
}

function partitionAnswers(
  answer: ShareAcknowledgeResponse,
  ranges: readonly AcknowledgedRange[],
): PartitionAnswer[] {
  const names = new Map(ranges.map((range) => [targetKey(range), range]));
  return answer.responses.flatMap(({ topicId, partitions }) =>
    partitions.flatMap(
      ({ partitionIndex, errorCode: code, errorMessage: message, currentLeader: leader }) => {
        const range = names.get(targetKey({ topicId, partition: partitionIndex }));
        if (range === undefined) return [];
        return [{ topic: range.topic, topicId, partition: partitionIndex, code, message, leader }];
      },
    ),
  );
}

const EMPTY = Buffer.alloc(0);
