import { KafkaError, ErrorCode } from '@odradek/protocol/errors.ts';
import type { OffsetToCommit } from '@odradek/client';
import { encodeOffsetMap } from './offset-map.ts';
import type { PartitionWork } from './partition-work.ts';

/** What commits the offsets of a group. */
export interface CommitTarget {
  markProcessed(offsets: readonly OffsetToCommit[]): void;
  commit(): Promise<void>;
}

/**
 * What the broker takes for metadata by default (`offset.metadata.max.bytes`); it counts characters, ours are of one
 * byte each.
 */
export const METADATA_LENGTH_MAX = 4_096;

/** Not even an empty map is shorter. */
const METADATA_LENGTH_MIN = 32;

/** Commits how far partitions got, with a map of what is done beyond. */
export class ProgressCommitter {
  private readonly target: CommitTarget;
  private readonly cut: (work: PartitionWork, lengthMax: number) => void;
  private lengthMax: number;

  /**
   * @param lengthMax of the metadata, characters; 0 for none
   * @param cut told when a map did not fit whole
   */
  constructor(
    target: CommitTarget,
    lengthMax: number,
    cut: (work: PartitionWork, lengthMax: number) => void,
  ) {
    this.target = target;
    this.lengthMax = lengthMax;
    this.cut = cut;
  }

  /** Commits what changed. @throws KafkaError, and then all of it counts as changed still */
  async commit(works: Iterable<PartitionWork>): Promise<void> {
    const dirty = [...works].filter(({ isDirty, isGone }) => isDirty && !isGone);
    if (dirty.length === 0) return;
    for (const work of dirty) work.isDirty = false;
    try {
      await this.commitFitting(dirty);
    } catch (error) {
      for (const work of dirty) work.isDirty = true;
      throw error;
    }
  }

  /** A broker that is set to take less is found out by trying; the offsets are worth more than the maps. */
  private async commitFitting(works: readonly PartitionWork[]): Promise<void> {
    for (;;) {
      this.target.markProcessed(works.map((work) => this.mark(work)));
      try {
        await this.target.commit();
        return;
      } catch (error) {
        const isTooLong = error instanceof KafkaError && error.code === ErrorCode.OFFSET_METADATA_TOO_LARGE;
        if (!isTooLong || this.lengthMax === 0) throw error;
        this.lengthMax = this.lengthMax < 2 * METADATA_LENGTH_MIN ? 0 : Math.floor(this.lengthMax / 2);
      }
    }
  }

  private mark(work: PartitionWork): OffsetToCommit {
    const { topic, partition, frontier, identity } = work;
    const { committable: base, horizon } = frontier;
    const mark = { topic, partition, offset: base };
    if (base === horizon || this.lengthMax === 0) return mark;
    const incomplete = frontier.incomplete();
    const isNothingDone = incomplete.length === horizon - base;
    if (isNothingDone) return mark;
    const map = encodeOffsetMap({ base, horizon, incomplete }, identity, this.lengthMax);
    if (map === null || map.horizon < horizon) this.cut(work, this.lengthMax);
    return map === null ? mark : { ...mark, metadata: map.text };
  }
}
