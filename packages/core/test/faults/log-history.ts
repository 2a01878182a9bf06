import { batchCrcValid, batchesOf } from '@odradek/protocol/records/batch-header.ts';
import type { BatchHeader } from '@odradek/protocol/records/batch-header.ts';
import { readTransactionMarker } from '../../src/log/control-marker.ts';

/** A batch as the model knows it. Two with the same identity have the same bytes. */
export interface KnownBatch {
  readonly identity: string;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly epoch: number;
  readonly maxTimestamp: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly lastSequence: number;
  readonly isTransactional: boolean;
  readonly marker: 'abort' | 'commit' | null;
}

export function describeBatches(bytes: Buffer): KnownBatch[] {
  const known: KnownBatch[] = [];
  for (const header of batchesOf(bytes)) known.push(describeBatch(bytes, header));
  return known;
}

function describeBatch(bytes: Buffer, header: BatchHeader): KnownBatch {
  const { baseOffset, lastOffset, partitionLeaderEpoch, crc, sizeBytes } = header;
  const soundness = batchCrcValid(bytes, header.position) ? '' : ' DAMAGED';
  const marker = header.isControl ? readTransactionMarker(header) : null;
  return {
    identity: `${baseOffset} epoch ${partitionLeaderEpoch} crc ${crc} size ${sizeBytes}${soundness}`,
    baseOffset,
    lastOffset,
    epoch: partitionLeaderEpoch,
    maxTimestamp: header.maxTimestamp,
    producerId: Number(header.producerId),
    producerEpoch: header.producerEpoch,
    lastSequence: header.lastSequence,
    isTransactional: header.isTransactional,
    marker: marker === null ? null : marker.isCommit ? 'commit' : 'abort',
  };
}

/** One life of a partition's log: from its creation until its topic is deleted. */
export interface Life {
  readonly topicId: string;
  readonly batches: readonly KnownBatch[];
  /** Records from here on may not be missing in its midst; those before were deleted, and some may come back. */
  readonly startOffset: number;
}

/** What may be found of a log after a crash. */
export interface Expectation {
  /** The log may be missing. */
  readonly mayBeMissing: boolean;
  /** It must be. */
  readonly mustBeMissing: boolean;
  /** It must be a prefix of one of these. */
  readonly candidates: readonly Life[];
  /** It must reach at least this far. */
  readonly promisedEnd: number;
}

/**
 * What has been done to one log: its batches now, and what a crash at this moment may leave instead. `begin`
 * names an operation's possible outcomes before it is called, and `finish` says that it returned.
 */
export class LogHistory {
  readonly topic: string;
  readonly partition: number;
  private life: Life | null = null;
  /** Before the operation under way. */
  private previous: Life | null = null;
  private isUnderWay = false;
  /** What lost truncations and deletions may bring back. */
  private readonly former: Life[] = [];
  /** It was deleted while a data directory was out of use that may have a former log of it. */
  mayComeBack = false;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  get exists(): boolean {
    return this.life !== null;
  }

  get topicId(): string | null {
    return this.life?.topicId ?? null;
  }

  get batches(): readonly KnownBatch[] {
    return this.life?.batches ?? [];
  }

  get startOffset(): number {
    return this.life?.startOffset ?? 0;
  }

  /** Records before `offset` are being deleted. */
  startAt(offset: number): void {
    this.life = { ...this.life!, startOffset: offset };
  }

  begin(life: Life | null): void {
    // Nobody knows what became of the operation before.
    if (this.isUnderWay && this.previous !== null) this.former.push(this.previous);
    this.previous = this.life;
    this.isUnderWay = true;
    this.life = life;
  }

  finish(): void {
    if (this.previous !== null && !isPrefixOf(this.previous, this.life)) this.former.push(this.previous);
    this.isUnderWay = false;
    this.previous = null;
  }

  /** Whether there was a log before the operation under way. */
  get existedBefore(): boolean {
    return this.previous !== null;
  }

  /** Where the log ended before the operation under way. */
  get endBefore(): number {
    return (this.previous?.batches.at(-1)?.lastOffset ?? -1) + 1;
  }

  /** The operation failed and had no effect that lasts. */
  undo(): void {
    this.life = this.previous;
    this.isUnderWay = false;
    this.previous = null;
  }

  beginAppend(bytes: Buffer): void {
    this.begin({ ...this.life!, batches: [...this.batches, ...describeBatches(bytes)] });
  }

  beginTruncation(offset: number): void {
    const batches = this.batches.filter(({ lastOffset }) => lastOffset < offset);
    this.begin({ ...this.life!, batches });
  }

  /** The log was recovered to this: everything else is past. */
  settle(life: Life | null): void {
    this.life = life;
    this.previous = null;
    this.isUnderWay = false;
    this.former.length = 0;
  }

  /** @param promisedEnd what the log says is on the disk */
  afterPowerLoss(promisedEnd: number, creationIsSynced: boolean): Expectation {
    const now = this.isUnderWay ? [this.life, this.previous] : [this.life];
    const lives = now.filter((life) => life !== null);
    return {
      mayBeMissing: lives.length < now.length || !creationIsSynced,
      mustBeMissing: lives.length === 0 && this.former.length === 0,
      candidates: [...lives, ...this.former],
      promisedEnd,
    };
  }

  afterProcessCrash(): Expectation {
    const now = this.isUnderWay ? [this.life, this.previous] : [this.life];
    const lives = now.filter((life) => life !== null);
    if (lives.length === 0 && this.mayComeBack) {
      return { mayBeMissing: true, mustBeMissing: false, candidates: this.former, promisedEnd: 0 };
    }
    const ends = lives.map(({ batches }) => (batches.at(-1)?.lastOffset ?? -1) + 1);
    return {
      mayBeMissing: lives.length < now.length,
      mustBeMissing: lives.length === 0,
      candidates: lives,
      promisedEnd: ends.length === 0 ? 0 : Math.min(...ends),
    };
  }
}

function isPrefixOf(shorter: Life, longer: Life | null): boolean {
  return (
    longer !== null &&
    shorter.topicId === longer.topicId &&
    shorter.batches.every(({ identity }, i) => longer.batches[i]?.identity === identity)
  );
}
