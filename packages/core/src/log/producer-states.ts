import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import { DELETED_SUFFIX, SNAPSHOT_SUFFIX, offsetName } from './log-files.ts';
import type { LogContext } from './log-context.ts';
import { afterBatch, afterMarker, completedBy, emptyEntry, findDuplicate } from './producer-rules.ts';
import type {
  CompletedTransaction,
  ProducedBatch,
  ProducerBatch,
  ProducerEntry,
  TransactionMarker,
} from './producer-rules.ts';
import { decodeProducerSnapshot, encodeProducerSnapshot } from './producer-snapshot.ts';
import type { AppendOrigin } from './validation-settings.ts';

interface OpenTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

/** What one append would change: nothing of it holds until `ProducerStates.commit`. */
export class ProducerUpdate {
  readonly entries = new Map<number, ProducerEntry>();
  readonly started: OpenTransaction[] = [];
  readonly completed: CompletedTransaction[] = [];
}

/**
 * What a partition knows of its producers: sequence numbers, epochs and open transactions. A fold over the
 * batches of the log, brought to disk as snapshots at rolls and at shutdown, so that a start replays only what
 * follows the last snapshot.
 *
 * Bounded by `producer.id.expiration.ms`: who wrote nothing for so long, and has no open transaction, is
 * forgotten. Snapshots stand beside the segments and go with them.
 */
export class ProducerStates {
  private readonly context: LogContext;
  private directory: string;
  private readonly entries = new Map<number, ProducerEntry>();
  /** Ordered by first offset. */
  private open: OpenTransaction[] = [];
  /** Completed here, but the marker is not below the high watermark yet; ordered by first offset. */
  private unreplicated: CompletedTransaction[] = [];
  /** Offsets of the snapshots on disk, ascending. */
  private snapshots: number[];
  private endOffset = 0;

  /** @param snapshotOffsets of the snapshot files in the directory */
  constructor(context: LogContext, directory: string, snapshotOffsets: readonly number[]) {
    this.context = context;
    this.directory = directory;
    this.snapshots = [...snapshotOffsets].sort((a, b) => a - b);
  }

  /** All batches before this offset are accounted for. */
  get mapEndOffset(): number {
    return this.endOffset;
  }

  get all(): Iterable<ProducerEntry> {
    return this.entries.values();
  }

  get size(): number {
    return this.entries.size;
  }

  entry(producerId: number): ProducerEntry | null {
    return this.entries.get(producerId) ?? null;
  }

  /** Where the oldest transaction begins that is not decided below the high watermark, or null. */
  get firstUnstableOffset(): number | null {
    const open = this.open[0]?.firstOffset ?? Infinity;
    const unreplicated = this.unreplicated[0]?.firstOffset ?? Infinity;
    const first = Math.min(open, unreplicated);
    return first === Infinity ? null : first;
  }

  /** The remembered batch that `batch` of a client repeats, or null. */
  duplicateOf(batch: ProducedBatch): ProducerBatch | null {
    const entry = this.entries.get(batch.producerId);
    return entry === undefined ? null : findDuplicate(entry, batch);
  }

  /** Applies the rules to a data batch. @throws KafkaError, leaving `update` as it was */
  stageBatch(update: ProducerUpdate, batch: ProducedBatch, origin: AppendOrigin): void {
    const before = this.staged(update, batch.producerId);
    update.entries.set(batch.producerId, afterBatch(before, batch, origin));
    if (batch.isTransactional && before.transactionFirstOffset === null) {
      update.started.push({ producerId: batch.producerId, firstOffset: batch.baseOffset });
    }
  }

  /** Applies the rules to a marker. @throws KafkaError, leaving `update` as it was */
  stageMarker(update: ProducerUpdate, marker: TransactionMarker, origin: AppendOrigin): void {
    const before = this.staged(update, marker.producerId);
    update.entries.set(marker.producerId, afterMarker(before, marker, origin));
    const completed = completedBy(before, marker);
    if (completed !== null) update.completed.push(completed);
  }

  private staged(update: ProducerUpdate, producerId: number): ProducerEntry {
    return update.entries.get(producerId) ?? this.entries.get(producerId) ?? emptyEntry(producerId);
  }

  /** The last stable offset once `completed` is: where the next undecided transaction begins. */
  lastStableOffsetAfter(completed: CompletedTransaction): number {
    const next = this.open.find(({ producerId }) => producerId !== completed.producerId);
    return next?.firstOffset ?? completed.lastOffset + 1;
  }

  /**
   * The batches are in the log now, which ends at `endOffset`.
   *
   * @param onAborted is told of each aborted transaction with the last stable offset after it
   */
  commit(
    update: ProducerUpdate | null,
    endOffset: number,
    onAborted: (transaction: CompletedTransaction, lastStableOffset: number) => void,
  ): void {
    if (update !== null) this.commitUpdate(update, onAborted);
    this.endOffset = endOffset;
  }

  private commitUpdate(
    update: ProducerUpdate,
    onAborted: (transaction: CompletedTransaction, lastStableOffset: number) => void,
  ): void {
    for (const entry of update.entries.values()) this.entries.set(entry.producerId, entry);
    this.open.push(...update.started);
    for (const completed of update.completed) {
      if (completed.isAborted) onAborted(completed, this.lastStableOffsetAfter(completed));
      this.open = this.open.filter(({ firstOffset }) => firstOffset !== completed.firstOffset);
      this.unreplicated.push(completed);
    }
    if (update.completed.length > 0) this.unreplicated.sort((a, b) => a.firstOffset - b.firstOffset);
  }

  /** What was completed by markers below the high watermark is decided for everybody. */
  onHighWatermark(highWatermark: number): void {
    if (this.unreplicated.length === 0) return;
    this.unreplicated = this.unreplicated.filter(({ lastOffset }) => lastOffset >= highWatermark);
  }

  /** Takes over what another replica of the same records knows: also of producers whose records are gone. */
  adoptAll(other: ProducerStates): void {
    this.forget();
    for (const entry of other.entries.values()) this.entries.set(entry.producerId, entry);
    this.open = [...other.open];
    this.unreplicated = [...other.unreplicated];
    this.endOffset = other.endOffset;
  }

  /** Forgets the producers that have been idle for `expirationMs`. */
  removeExpired(nowMs: number, expirationMs: number): void {
    for (const entry of this.entries.values()) {
      if (isExpired(entry, nowMs, expirationMs)) this.entries.delete(entry.producerId);
    }
  }

  /** Begins anew at `offset`, without knowledge of any producer and without snapshots. @throws DiskError */
  restartAt(offset: number): void {
    this.forget();
    this.endOffset = offset;
    for (const snapshot of this.snapshots) this.context.disk.remove(this.snapshotPath(snapshot));
    this.snapshots = [];
  }

  private forget(): void {
    this.entries.clear();
    this.open = [];
    this.unreplicated = [];
  }

  /**
   * Goes back to the latest usable snapshot of an offset in (logStartOffset, logEndOffset]. Snapshots outside,
   * and damaged ones, are removed. The caller then replays the batches from `mapEndOffset` on.
   *
   * @throws DiskError
   */
  reload(logStartOffset: number, logEndOffset: number, nowMs: number, expirationMs: number): void {
    this.forget();
    this.removeSnapshots((offset) => offset > logEndOffset || offset <= logStartOffset);
    for (;;) {
      const latest = this.snapshots.at(-1);
      if (latest === undefined) break;
      if (this.load(latest, nowMs, expirationMs)) return;
      this.removeSnapshots((offset) => offset === latest);
    }
    this.endOffset = logStartOffset;
  }

  private load(offset: number, nowMs: number, expirationMs: number): boolean {
    const path = this.snapshotPath(offset);
    const contents = this.context.disk.readFile(path);
    if (contents === null) return false;
    let loaded: ProducerEntry[];
    try {
      loaded = decodeProducerSnapshot(contents);
    } catch (error) {
      if (!(error instanceof MalformedBytesError)) throw error;
      this.context.log.warn('A producer snapshot is damaged and is not used', {
        path,
        reason: error.message,
      });
      return false;
    }
    for (const entry of loaded) {
      if (!isExpired(entry, nowMs, expirationMs)) this.adopt(entry);
    }
    this.endOffset = offset;
    return true;
  }

  private adopt(entry: ProducerEntry): void {
    this.entries.set(entry.producerId, entry);
    if (entry.transactionFirstOffset === null) return;
    this.open.push({ producerId: entry.producerId, firstOffset: entry.transactionFirstOffset });
    this.open.sort((a, b) => a.firstOffset - b.firstOffset);
  }

  /** The log may begin beyond what was replayed. */
  advanceTo(logStartOffset: number): void {
    if (this.endOffset < logStartOffset) this.endOffset = logStartOffset;
  }

  /**
   * Writes a snapshot at `mapEndOffset` unless there is one. Not synced: a damaged one is found out by its
   * checksum, and then the log is replayed instead.
   *
   * @returns path of what was written, or null
   * @throws DiskError
   */
  takeSnapshot(): string | null {
    if ((this.snapshots.at(-1) ?? -1) >= this.endOffset || this.endOffset === 0) return null;
    const path = this.snapshotPath(this.endOffset);
    const file = this.context.disk.open(path, { create: true });
    try {
      file.truncate(0);
      file.append([encodeProducerSnapshot(this.entries.values())]);
    } finally {
      file.close();
    }
    this.snapshots.push(this.endOffset);
    return path;
  }

  /** Removes the snapshots that belong to none of the segments, but for the latest. @throws DiskError */
  removeStraySnapshots(segmentOffsets: ReadonlySet<number>): void {
    const latest = this.snapshots.at(-1);
    this.removeSnapshots((offset) => offset !== latest && !segmentOffsets.has(offset));
  }

  /** Removes the snapshots that `isGone` chooses. @throws DiskError */
  removeSnapshots(isGone: (offset: number) => boolean): void {
    for (const offset of this.snapshots) {
      if (isGone(offset)) this.context.disk.remove(this.snapshotPath(offset));
    }
    this.snapshots = this.snapshots.filter((offset) => !isGone(offset));
  }

  /** Renames the snapshot of a segment that goes; returns its new path, or null. @throws DiskError */
  markSnapshotDeleted(offset: number): string | null {
    if (!this.snapshots.includes(offset)) return null;
    const path = this.snapshotPath(offset);
    this.context.disk.rename(path, path + DELETED_SUFFIX);
    this.snapshots = this.snapshots.filter((known) => known !== offset);
    return path + DELETED_SUFFIX;
  }

  /** The directory was renamed. */
  moved(directory: string): void {
    this.directory = directory;
  }

  private snapshotPath(offset: number): string {
    return `${this.directory}/${offsetName(offset)}${SNAPSHOT_SUFFIX}`;
  }
}

function isExpired(entry: ProducerEntry, nowMs: number, expirationMs: number): boolean {
  return entry.transactionFirstOffset === null && nowMs - entry.lastTimestamp >= expirationMs;
}
