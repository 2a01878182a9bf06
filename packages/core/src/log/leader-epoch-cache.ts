import { DiskError } from '../ports/disk.ts';
import type { EpochEntry } from './checkpoints.ts';

/** The answer when nothing is known. */
export const UNDEFINED_EPOCH = -1;
export const UNDEFINED_EPOCH_OFFSET = -1;

export type SaveDone = (error: DiskError | null) => void;

/** Where epochs are kept. Both ways may throw DiskError. */
export interface EpochFile {
  save(entries: readonly EpochEntry[]): void;
  /** The same off the loop. @returns ends it: `done` is not called, and what is on the disk is old or new */
  saveLater(entries: readonly EpochEntry[], done: SaveDone): () => void;
}

/** An epoch and where it ends: the first offset after its last record. */
export interface EpochEnd {
  readonly epoch: number;
  readonly endOffset: number;
}

/**
 * Which leader wrote which stretch of the log: per leader epoch the offset of its first record (KIP-101,
 * KIP-279). Epochs and offsets both ascend strictly.
 *
 * Kept in memory; `write` is called to bring it to disk. That is done before the recovery point passes the
 * start of an epoch, because recovery finds the epochs beyond that point in the batches themselves.
 */
export class LeaderEpochCache {
  private entries: EpochEntry[];
  private file: EpochFile;
  private isDirty = false;
  /** Whether anything was ever on the disk, or may be. */
  private isOnDisk: boolean;
  /** What is being written off the loop. */
  private later: { readonly end: () => void; readonly done: SaveDone } | null = null;
  /** Those who asked while something was being written off the loop. */
  private waiting: SaveDone[] = [];

  /** @param entries as found on disk; such as contradict each other are dropped, the later one wins */
  constructor(entries: readonly EpochEntry[], file: EpochFile) {
    this.entries = [];
    this.file = file;
    for (const { epoch, startOffset } of entries) this.assign(epoch, startOffset);
    this.isDirty = false;
    this.isOnDisk = entries.length > 0;
  }

  get all(): readonly EpochEntry[] {
    return this.entries;
  }

  /** -1 when none is known. */
  get latestEpoch(): number {
    return this.entries.at(-1)?.epoch ?? UNDEFINED_EPOCH;
  }

  get earliest(): EpochEntry | null {
    return this.entries[0] ?? null;
  }

  /** Records from `startOffset` on are of `epoch`, 0 or more. Entries that contradict are dropped. */
  assign(epoch: number, startOffset: number): void {
    const latest = this.entries.at(-1);
    if (latest !== undefined && latest.epoch === epoch && startOffset >= latest.startOffset) return;
    while (this.entries.length > 0) {
      const last = this.entries.at(-1)!;
      if (last.epoch < epoch && last.startOffset < startOffset) break;
      this.entries.pop();
    }
    this.entries.push({ epoch, startOffset });
    this.isDirty = true;
  }

  /**
   * The log holds a batch of `epoch` from `baseOffset` to `lastOffset`: what contradicts that is dropped. So it is
   * when a loss of power brings back what had been truncated, and written over under a later epoch.
   */
  confirm(epoch: number, baseOffset: number, lastOffset: number): void {
    const latest = this.entries.at(-1);
    if (latest !== undefined && latest.epoch === epoch && latest.startOffset <= baseOffset) return;
    const known = this.entries.find((entry) => entry.epoch === epoch);
    const startOffset = Math.min(known?.startOffset ?? baseOffset, baseOffset);
    const agreeing = this.entries.filter((entry) =>
      entry.epoch < epoch
        ? entry.startOffset < startOffset
        : entry.epoch > epoch && entry.startOffset > lastOffset,
    );
    const at = agreeing.findIndex((entry) => entry.epoch > epoch);
    agreeing.splice(at < 0 ? agreeing.length : at, 0, { epoch, startOffset });
    this.entries = agreeing;
    this.isDirty = true;
  }

  /**
   * Where `epoch` ends; for an epoch that wrote nothing here, where the greatest earlier one does. Both -1
   * when the epoch is later than any known.
   */
  endOffsetFor(epoch: number, logEndOffset: number): EpochEnd {
    if (epoch === UNDEFINED_EPOCH) return { epoch: UNDEFINED_EPOCH, endOffset: UNDEFINED_EPOCH_OFFSET };
    if (epoch === this.latestEpoch) return { epoch, endOffset: logEndOffset };
    const next = this.entries.findIndex((entry) => entry.epoch > epoch);
    if (next < 0) return { epoch: UNDEFINED_EPOCH, endOffset: UNDEFINED_EPOCH_OFFSET };
    const endOffset = this.entries[next]!.startOffset;
    // Before the first known epoch: what it wrote has been deleted.
    return next === 0 ? { epoch, endOffset } : { epoch: this.entries[next - 1]!.epoch, endOffset };
  }

  /** The epoch that wrote `offset`, -1 when not known. */
  epochFor(offset: number): number {
    const entry = this.entries.findLast(({ startOffset }) => startOffset <= offset);
    return entry?.epoch ?? UNDEFINED_EPOCH;
  }

  /** The log ends at `endOffset` now. */
  truncateFromEnd(endOffset: number): void {
    const kept = this.entries.filter(({ startOffset }) => startOffset < endOffset);
    if (kept.length === this.entries.length) return;
    this.entries = kept;
    this.isDirty = true;
  }

  /** The log begins at `startOffset` now: the epoch that holds it is kept, beginning there. */
  truncateFromStart(startOffset: number): void {
    const holder = this.entries.findLastIndex((entry) => entry.startOffset <= startOffset);
    if (holder < 0 || (holder === 0 && this.entries[0]!.startOffset === startOffset)) return;
    this.entries = [{ epoch: this.entries[holder]!.epoch, startOffset }, ...this.entries.slice(holder + 1)];
    this.isDirty = true;
  }

  /** Takes over what another replica of the same records knows: also of epochs that wrote none. */
  replaceWith(entries: readonly EpochEntry[]): void {
    const isSame =
      entries.length === this.entries.length &&
      entries.every(({ epoch, startOffset }, i) => {
        const known = this.entries[i]!;
        return known.epoch === epoch && known.startOffset === startOffset;
      });
    if (isSame) return;
    this.entries = [...entries];
    this.isDirty = true;
  }

  /** From now on changes are brought to disk so. */
  saveTo(file: EpochFile): void {
    this.file = file;
    if (this.later === null) return;
    this.later.end();
    this.isDirty = true;
    this.finishLater(null);
  }

  clear(): void {
    if (this.entries.length === 0) return;
    this.entries = [];
    this.isDirty = true;
  }

  /**
   * Whether recovery would find all of it in the batches: nothing is on the disk, and the one epoch that is known has
   * records, all of them behind the recovery point. So it is with every new log, of which there may be thousands.
   */
  isInBatches(recoveryPoint: number, logEndOffset: number): boolean {
    if (this.isOnDisk || this.entries.length > 1) return false;
    return this.entries.every(
      ({ startOffset }) => startOffset >= recoveryPoint && startOffset < logEndOffset,
    );
  }

  /** Brings changes to disk. @throws DiskError */
  write(): void {
    if (!this.isDirty && this.later === null) return;
    this.later?.end();
    this.isOnDisk = true;
    let failure: DiskError | null = null;
    try {
      this.file.save(this.entries);
      this.isDirty = false;
    } catch (error) {
      this.isDirty = true;
      if (error instanceof DiskError) failure = error;
      throw error;
    } finally {
      this.finishLater(failure);
    }
  }

  /** Brings changes to disk off the loop. @param done called once: at once where there is nothing to write */
  writeLater(done: SaveDone): void {
    if (this.later !== null) {
      this.waiting.push(done);
      return;
    }
    if (!this.isDirty) return done(null);
    this.isOnDisk = true;
    try {
      const end = this.file.saveLater(this.entries, (error) => {
        if (error !== null) this.isDirty = true;
        this.finishLater(error);
      });
      this.later = { end, done };
      this.isDirty = false;
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      done(error);
    }
  }

  private finishLater(error: DiskError | null): void {
    const { later, waiting } = this;
    this.later = null;
    this.waiting = [];
    later?.done(error);
    for (const done of waiting) this.writeLater(done);
  }
}
