import { ClosedError, partitionKey } from '@odradek/client';
import type { CommittedOffset, FetchedRecords, OffsetToCommit, TopicPartition } from '@odradek/client';
import type { ParallelSource } from '../../src/parallel/parallel-run.ts';

interface Log {
  readonly at: TopicPartition;
  readonly keys: readonly (string | null)[];
  position: number;
  isPaused: boolean;
}

/** Partitions in memory, and a group of one member that commits to memory. */
export class FakeSource implements ParallelSource {
  readonly commits: OffsetToCommit[][] = [];
  readonly stored: Map<string, CommittedOffset>;
  /** Thrown by the next commit. */
  refusal: ((offsets: readonly OffsetToCommit[]) => Error | null) | null = null;
  takeMax = 50;
  isClosed = false;
  private readonly logs = new Map<string, Log>();
  private marks = new Map<string, OffsetToCommit>();
  private wakeUp: (() => void) | null = null;

  constructor(stored = new Map<string, CommittedOffset>()) {
    this.stored = stored;
  }

  /** Partition 0 and so on of topic `t`, with a record for each key. */
  assign(partition: number, keys: readonly (string | null)[]): TopicPartition {
    const at = { topic: 't', partition };
    const position = this.stored.get(partitionKey(at))?.offset ?? 0;
    this.logs.set(partitionKey(at), { at, keys, position, isPaused: false });
    this.wake();
    return at;
  }

  unassign(at: TopicPartition): void {
    this.logs.delete(partitionKey(at));
  }

  get paused(): number[] {
    return [...this.logs.values()].filter(({ isPaused }) => isPaused).map(({ at }) => at.partition);
  }

  async take(): Promise<readonly FetchedRecords[]> {
    for (;;) {
      if (this.isClosed) throw new ClosedError('consumer');
      const batches = [...this.logs.values()].flatMap((log) => this.takeFrom(log));
      if (batches.length > 0) return batches;
      await new Promise<void>((resolve) => (this.wakeUp = resolve));
      return [];
    }
  }

  private takeFrom(log: Log): FetchedRecords[] {
    if (log.isPaused || log.position >= log.keys.length) return [];
    const end = Math.min(log.position + this.takeMax, log.keys.length);
    const records = log.keys.slice(log.position, end).map((key, index) => ({
      offset: log.position + index,
      timestamp: 0,
      key: key === null ? null : Buffer.from(key),
      value: Buffer.from('value'),
      headers: [],
    }));
    log.position = end;
    return [{ ...log.at, records, nextOffset: end, highWatermark: log.keys.length }];
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) this.logs.get(partitionKey(at))!.isPaused = true;
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) this.logs.get(partitionKey(at))!.isPaused = false;
    this.wake();
  }

  committed(partitions: readonly TopicPartition[]): Promise<Map<string, CommittedOffset>> {
    const keys = partitions.map(partitionKey);
    return Promise.resolve(new Map([...this.stored].filter(([key]) => keys.includes(key))));
  }

  markProcessed(offsets: readonly OffsetToCommit[]): void {
    for (const offset of offsets) this.marks.set(partitionKey(offset), offset);
  }

  async commit(): Promise<void> {
    const marks = [...this.marks.values()];
    const refusal = this.refusal?.(marks) ?? null;
    if (refusal !== null) throw refusal;
    this.commits.push(marks);
    for (const mark of marks) {
      this.stored.set(partitionKey(mark), { ...mark, metadata: mark.metadata ?? '' });
    }
    this.marks = new Map();
  }

  wake(): void {
    this.wakeUp?.();
    this.wakeUp = null;
  }

  close(): Promise<void> {
    this.isClosed = true;
    this.wake();
    return Promise.resolve();
  }
}
