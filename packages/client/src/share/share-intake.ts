import { batchCrcValid, batchesOf, type BatchHeader } from '@odradek/protocol/records/batch-header.ts';
import { decodeBatch } from '@odradek/protocol/records/convert.ts';
import type { DecodedRecord } from '@odradek/protocol/records/record.ts';
import { asError } from '../errors.ts';

/** Uncompressed records of one batch beyond this are refused. */
const DECOMPRESSED_MAX_BYTES = 256 * 1024 * 1024;

/** Offsets that this member has been given, all as often delivered before. */
export interface AcquiredRange {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly deliveryCount: number;
}

export interface OffsetRange {
  readonly first: number;
  readonly last: number;
}

export interface ShareIntake {
  readonly records: readonly { readonly record: DecodedRecord; readonly deliveryCount: number }[];
  /** Offsets without a record for applications: compacted, or markers of transactions. */
  readonly gaps: readonly OffsetRange[];
  /** Offsets whose records cannot be had from these bytes. */
  readonly unreadable: readonly OffsetRange[];
  /** Why, for the first of them that is more than cut off; null when there is none. */
  readonly error: { readonly offset: number; readonly cause: Error } | null;
}

/**
 * What of an answer is this member's. Bytes come in whole batches, which may hold more than was acquired. What is not
 * there for sure is never taken for a gap: it would be lost.
 */
export function takeIn(bytes: Buffer, acquired: readonly AcquiredRange[]): ShareIntake {
  const found = new Decoded(bytes);
  const records: { record: DecodedRecord; deliveryCount: number }[] = [];
  const gaps: OffsetRange[] = [];
  const unreadable: OffsetRange[] = [];
  let at = 0;
  for (const { firstOffset, lastOffset, deliveryCount } of acquired.toSorted(
    (a, b) => a.firstOffset - b.firstOffset,
  )) {
    let next = firstOffset;
    while (at < found.records.length && found.records[at]!.offset < firstOffset) at++;
    while (at < found.records.length && found.records[at]!.offset <= lastOffset) {
      const record = found.records[at++]!;
      found.missing(next, record.offset - 1, gaps, unreadable);
      records.push({ record, deliveryCount });
      next = record.offset + 1;
    }
    found.missing(next, lastOffset, gaps, unreadable);
  }
  const { error } = found;
  const ours = error === null ? undefined : unreadable.find(({ last }) => last >= error.offset);
  if (error === null || ours === undefined) return { records, gaps, unreadable, error: null };
  return { records, gaps, unreadable, error: { ...error, offset: Math.max(error.offset, ours.first) } };
}

/** The batches of an answer, and where they could not be read. */
class Decoded {
  readonly records: DecodedRecord[] = [];
  /** Ascending. */
  private readonly broken: OffsetRange[] = [];
  /** Where the broken batches before the next good one begin; null when there are none. */
  private brokenFrom: number | null = null;
  /** Behind all that was read. */
  private nextOffset = 0;
  error: { offset: number; cause: Error } | null = null;

  constructor(bytes: Buffer) {
    try {
      for (const header of batchesOf(bytes)) this.add(header);
    } catch (error) {
      this.noteBroken(error);
    }
    // What comes behind is cut off.
    this.broken.push({ first: this.nextOffset, last: Infinity });
  }

  /** Sorts a stretch without records by what it is. */
  missing(first: number, last: number, gaps: OffsetRange[], unreadable: OffsetRange[]): void {
    let next = first;
    for (const range of this.broken) {
      if (next > last) return;
      if (range.last < next || range.first > last) continue;
      if (range.first > next) gaps.push({ first: next, last: range.first - 1 });
      const end = Math.min(range.last, last);
      unreadable.push({ first: Math.max(range.first, next), last: end });
      next = end + 1;
    }
    if (next <= last) gaps.push({ first: next, last });
  }

  private add(header: BatchHeader): void {
    try {
      if (!batchCrcValid(header.buffer, header.position)) {
        throw new Error(`the batch at offset ${header.baseOffset} has a wrong checksum`);
      }
      const records = header.isControl ? [] : decodeBatch(header, DECOMPRESSED_MAX_BYTES);
      this.closeBroken(records[0]?.offset ?? header.baseOffset);
      for (const record of records) this.records.push(record);
      this.nextOffset = header.lastOffset + 1;
    } catch (error) {
      this.noteBroken(error);
    }
  }

  /** How far a broken batch reaches is not to be believed: to the next good one. */
  private closeBroken(firstGood: number): void {
    if (this.brokenFrom !== null) this.broken.push({ first: this.brokenFrom, last: firstGood - 1 });
    this.brokenFrom = null;
  }

  private noteBroken(error: unknown): void {
    this.brokenFrom ??= this.nextOffset;
    this.error ??= { offset: this.nextOffset, cause: asError(error) };
  }
}
