import { CompressionType } from '@odradek/protocol/records/batch-header.ts';
import type { BatchHeader } from '@odradek/protocol/records/batch-header.ts';
import { encodeMessageSet, messagesOf } from '@odradek/protocol/records/message-set.ts';
import type { LegacyMagic } from '@odradek/protocol/records/message-set.ts';
import type { Codecs } from '../../ports/codecs.ts';
import { emptiedBatch, rebuildBatch } from './batch-rebuild.ts';
import type { CleanedTransactions } from './cleaned-transactions.ts';
import type { OffsetMap } from './offset-map.ts';
import { DECOMPRESSED_SIZE_MAX, uncompressedRecords, visitRecords } from './record-visits.ts';
import type { Work } from '../work.ts';

/** The last thing that an active producer wrote: a data batch, or only markers under its epoch. */
export interface LastOfProducer {
  readonly lastDataOffset: number | null;
  readonly producerEpoch: number;
}

/** What one round of compaction goes by. */
export interface CleaningRules {
  /** Latest offset per key, of the records from where the log is dirty up to `mapEndOffset`. */
  readonly map: OffsetMap;
  /** Nothing is known of records from here on: they stay. */
  readonly mapEndOffset: number;
  /** The next offset after the last record that may be compacted: the batch that ends there stays, if need be empty. */
  readonly roundEndOffset: number;
  readonly nowMs: number;
  readonly deleteRetentionMs: number;
  readonly transactions: CleanedTransactions;
  readonly lastOfProducers: ReadonlyMap<number, LastOfProducer>;
  readonly codecs: Codecs;
}

/**
 * Decides what becomes of the batches of one segment, in order. A record stays when it is the latest of its key;
 * a tombstone (a null value) only until the delete horizon of its batch, which is set when the batch is first
 * compacted (KIP-534). Records of aborted transactions go at once. A marker goes when all batches of its
 * transaction are gone and then its own horizon has passed. Records without a key go. A batch that loses all its
 * records goes, unless it tells the last sequence number of a producer that is still active, or where the round
 * ends.
 */
export class BatchCleaner {
  private readonly rules: CleaningRules;
  private readonly keepsLegacyTombstones: boolean;

  /** @param keepsLegacyTombstones of formats v0 and v1, which have no horizon */
  constructor(rules: CleaningRules, keepsLegacyTombstones: boolean) {
    this.rules = rules;
    this.keepsLegacyTombstones = keepsLegacyTombstones;
  }

  /**
   * @param header of a batch whose bytes are all in reach
   * @returns the batch as it stays, its own bytes where nothing changes; null when nothing of it does
   * @throws MalformedBytesError
   */
  *clean(header: BatchHeader): Work<Buffer | null> {
    if (header.magic < 2) return this.cleanMessages(header);
    const { transactions, nowMs } = this.rules;
    if (!header.isControl) return yield* this.cleanRecords(header, transactions.onBatch(header), false);
    const isUnneeded = transactions.onControlBatch(header);
    const horizonMs = header.deleteHorizonMs;
    return yield* this.cleanRecords(
      header,
      isUnneeded && horizonMs !== null && horizonMs <= nowMs,
      isUnneeded,
    );
  }

  private *cleanRecords(
    header: BatchHeader,
    dropsAll: boolean,
    isUnneededMarker: boolean,
  ): Work<Buffer | null> {
    if (dropsAll) return this.withoutRecords(header);
    const records = yield* uncompressedRecords(header, this.rules.codecs);
    const isKept = new Uint8Array(Math.max(header.recordCount!, 0));
    let index = 0;
    let keptCount = 0;
    let hasTombstones = false;
    yield* visitRecords(header, records, (bytes, keyStart, keySize, valueSize, offset) => {
      if (header.isControl || this.staysRecord(header, bytes, keyStart, keySize, valueSize, offset)) {
        isKept[index] = 1;
        keptCount++;
        hasTombstones ||= valueSize < 0;
      }
      index++;
      return true;
    });
    if (keptCount === 0) return this.withoutRecords(header);
    const needsHorizon = (hasTombstones || isUnneededMarker) && header.deleteHorizonMs === null;
    if (keptCount === index && !needsHorizon) return header.buffer.subarray(header.position, header.end);
    const horizonMs = needsHorizon ? this.rules.nowMs + this.rules.deleteRetentionMs : null;
    return yield* rebuildBatch(header, records, { isKept, keptCount, horizonMs }, this.rules.codecs);
  }

  private staysRecord(
    header: BatchHeader,
    bytes: Buffer,
    keyStart: number,
    keySize: number,
    valueSize: number,
    offset: number,
  ): boolean {
    const { map, mapEndOffset, nowMs } = this.rules;
    if (offset >= mapEndOffset) return true;
    if (keySize < 0) return false;
    if (offset < map.get(bytes, keyStart, keyStart + keySize)) return false;
    if (valueSize >= 0) return true;
    if (header.magic < 2) return this.keepsLegacyTombstones;
    const horizonMs = header.deleteHorizonMs;
    return horizonMs === null || nowMs < horizonMs;
  }

  private withoutRecords(header: BatchHeader): Buffer | null {
    const isNeeded = this.isLastOfProducer(header) || this.endsRound(header);
    return isNeeded ? emptiedBatch(header) : null;
  }

  private isLastOfProducer(header: BatchHeader): boolean {
    const last = this.rules.lastOfProducers.get(header.producerId);
    if (last === undefined) return false;
    return last.lastDataOffset === null
      ? header.isControl && header.producerEpoch === last.producerEpoch
      : header.lastOffset === last.lastDataOffset;
  }

  /** Else followers could never reach the end of the log when nothing comes after. */
  private endsRound(header: BatchHeader): boolean {
    return header.lastOffset + 1 === this.rules.roundEndOffset;
  }

  private cleanMessages(header: BatchHeader): Buffer | null {
    const all = messagesOf(header, DECOMPRESSED_SIZE_MAX);
    const kept = all.filter(({ key, value, offset }) =>
      this.staysRecord(header, key ?? EMPTY, 0, key?.length ?? -1, value?.length ?? -1, offset),
    );
    if (kept.length === all.length) return header.buffer.subarray(header.position, header.end);
    // The old formats have no batches without records.
    if (kept.length === 0 && this.endsRound(header)) kept.push(all.at(-1)!);
    if (kept.length === 0) return null;
    return encodeMessageSet({
      magic: header.magic as LegacyMagic,
      baseOffset: kept[0]!.offset,
      records: kept,
      compression: header.compression as CompressionType,
      timestampType: header.timestampType === 'log-append' ? 'log-append' : 'create',
      logAppendTimeMs: header.maxTimestamp,
    });
  }
}

const EMPTY = Buffer.alloc(0);
