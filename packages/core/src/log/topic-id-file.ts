import type { DiskError } from '../ports/disk.ts';
import { encodePartitionMetadata, readPartitionMetadata, writePartitionMetadata } from './checkpoints.ts';
import { isDiskRefusal } from './disk-refusal.ts';
import type { LogContext } from './log-context.ts';
import { PARTITION_METADATA_FILE } from './log-files.ts';

/**
 * `partition.metadata`: the id of the topic that a log belongs to. It is written off the loop, and is on the disk before
 * the first record is written, as in Apache Kafka: records of which nobody can say what topic they are of must not come
 * back after a crash. A log without records needs none.
 */
export class TopicIdFile {
  private readonly context: LogContext;
  private path: string;
  private readonly failed: (error: DiskError) => void;
  private id: string | null;
  /** It is not known to be on the disk. */
  private pending = false;
  private end: (() => void) | null = null;
  /** Those who wait for the end of the attempt that is under way. */
  private waiting: (() => void)[] = [];

  /** @param failed is told when writing it off the loop has failed other than for want of space. @throws as reading it */
  constructor(context: LogContext, directory: string, failed: (error: DiskError) => void) {
    this.context = context;
    this.path = pathIn(directory);
    this.failed = failed;
    this.id = readPartitionMetadata(context.disk, this.path);
  }

  get topicId(): string | null {
    return this.id;
  }

  get isPending(): boolean {
    return this.pending;
  }

  /** The id is known at once, and on the disk some time later. */
  assign(topicId: string): void {
    this.id = topicId;
    this.pending = true;
    const { replacements, timers } = this.context;
    this.end = replacements.replace(timers, this.path, () => encodePartitionMetadata(topicId), {
      renamed: () => {},
      directoryFailed: (error) => this.failed(error),
      finished: (error) => {
        this.ended();
        if (error === null) this.pending = false;
        else if (!isDiskRefusal(error)) this.failed(error);
      },
    });
  }

  /** Calls back when nothing is being written any more: at once, or later. Whether it is on the disk then `isPending` tells. */
  whenWritten(done: () => void): void {
    if (this.end === null) done();
    else this.waiting.push(done);
  }

  private ended(): void {
    const { waiting } = this;
    this.end = null;
    this.waiting = [];
    for (const done of waiting) this.context.timers.after(0, done);
  }

  /** Has it on the disk now. @throws DiskError */
  secure(): void {
    if (!this.pending) return;
    this.abandon();
    writePartitionMetadata(this.context.disk, this.path, this.id!);
    this.pending = false;
  }

  /** The log goes: what was not written never will be. */
  abandon(): void {
    this.end?.();
    this.ended();
  }

  /** The directory has another name. Not while pending. */
  moved(directory: string): void {
    this.path = pathIn(directory);
  }
}

function pathIn(directory: string): string {
  return `${directory}/${PARTITION_METADATA_FILE}`;
}
