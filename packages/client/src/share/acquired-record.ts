import { badOption } from '../options.ts';
import type { RecordHeader, DecodedRecord } from '@odradek/protocol/records/record.ts';
import type { ConsumedRecord } from '../consumer/consumed-record.ts';
import { ClientError } from '../errors.ts';
import type { TopicPartition } from '../cluster/topic-partition.ts';
import type { Verdict } from './acknowledgement.ts';

/** A record that is this member's alone until it is acknowledged or its lock runs out. */
export interface ShareRecord extends ConsumedRecord {
  /** How often it has been delivered, this time included: 1 for the first. */
  readonly deliveryCount: number;
  /** Whether it has been, by whomever. */
  readonly isAcknowledged: boolean;
  /** Aborts when the record is not this member's any more: another may work on it already. */
  readonly signal: AbortSignal;
  /**
   * Says what became of the record, or asks for more time on it (`renew`, Kafka 4.2 and later). What comes of that is
   * told by `commit` and `onAcknowledged`; also when the record is not this member's any more.
   *
   * @throws ClientError ALREADY_ACKNOWLEDGED, BAD_OPTION; UnsupportedApiError for `renew` where brokers know no such
   */
  acknowledge(type: Verdict | 'renew'): void;
}

/** Who acquired a record, and answers for it. */
export interface RecordHolder {
  /** It has a verdict now. */
  readonly settle: (record: AcquiredRecord) => void;
  readonly renew: (record: AcquiredRecord) => void;
}

const VERDICTS: readonly string[] = ['accept', 'release', 'reject'] satisfies Verdict[];

export class AcquiredRecord implements ShareRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
  readonly deliveryCount: number;
  readonly topicId: string;
  /** Monotonic. */
  readonly acquiredAtMs: number;
  /** Monotonic time when somebody was given it; null before. */
  deliveredAtMs: number | null = null;
  /** Monotonic time when the lock has run out for sure. */
  lockedUntilMs: number;
  verdict: Verdict | null = null;
  /** Why it is not this member's any more; null while it is. */
  lost: Error | null = null;
  private readonly holder: RecordHolder;
  private aborter: AbortController | null = null;

  constructor(
    holder: RecordHolder,
    at: TopicPartition & { readonly topicId: string },
    record: DecodedRecord,
    lock: { readonly deliveryCount: number; readonly acquiredAtMs: number; readonly lockedUntilMs: number },
  ) {
    this.holder = holder;
    this.topic = at.topic;
    this.partition = at.partition;
    this.topicId = at.topicId;
    this.offset = record.offset;
    this.timestamp = record.timestamp;
    this.key = record.key;
    this.value = record.value;
    this.headers = record.headers;
    this.deliveryCount = lock.deliveryCount;
    this.acquiredAtMs = lock.acquiredAtMs;
    this.lockedUntilMs = lock.lockedUntilMs;
  }

  get isAcknowledged(): boolean {
    return this.verdict !== null;
  }

  get signal(): AbortSignal {
    if (this.aborter === null) {
      this.aborter = new AbortController();
      if (this.lost !== null) this.aborter.abort(this.lost);
    }
    return this.aborter.signal;
  }

  acknowledge(type: Verdict | 'renew'): void {
    if (type !== 'renew' && !VERDICTS.includes(type)) {
      throw badOption(
        `a record is acknowledged as "${String(type)}", allowed are accept, release, reject, renew`,
      );
    }
    if (this.verdict !== null) {
      const what = `offset ${this.offset} of ${this.topic}-${this.partition} is acknowledged already: ${this.verdict}`;
      throw new ClientError('ALREADY_ACKNOWLEDGED', what);
    }
    if (type === 'renew') return this.holder.renew(this);
    this.verdict = type;
    this.holder.settle(this);
  }

  lose(reason: Error): void {
    this.lost ??= reason;
    this.aborter?.abort(this.lost);
  }
}
