import type { TopicPartition } from './group-commands.ts';
import type { CommittedOffset, GroupRecord, OffsetRecord, StoredGroup } from './group-records.ts';

/**
 * The durable state of the groups of one partition of `__consumer_offsets`: a function of the committed records
 * of its log and of nothing else. `apply` and `endTransaction` are its only changes, while loading and afterwards.
 */
export class GroupStore {
  private readonly groups = new Map<string, GroupEntry>();
  /** Offsets that running transactions would commit (KIP-98), by producer id, in the order of the log. */
  private readonly transactions = new Map<number, Map<string, PendingOffset>>();

  /**
   * @param logOffset of the batch that holds the record: of two commits the later in the log counts
   * @param producerId of the transaction that the batch belongs to, or null outside of transactions
   */
  apply(record: GroupRecord, logOffset: number, producerId: number | null = null): void {
    if (record.kind === 'group') this.putMetadata(record.groupId, record.value);
    else if (producerId === null) this.putOffset(record, logOffset);
    else this.putPendingOffset(producerId, record, logOffset);
  }

  /** The marker that ends the producer's transaction has been read. */
  endTransaction(producerId: number, committed: boolean): void {
    const pending = this.transactions.get(producerId);
    if (pending === undefined) return;
    this.transactions.delete(producerId);
    if (!committed) return;
    for (const { record, logOffset } of pending.values()) {
      const known = this.entry(record)?.logOffset ?? -1;
      if (known < logOffset) this.putOffset(record, logOffset);
    }
  }

  groupIds(): IterableIterator<string> {
    return this.groups.keys();
  }

  metadata(groupId: string): StoredGroup | null {
    return this.groups.get(groupId)?.metadata ?? null;
  }

  offset(groupId: string, topic: string, partition: number): CommittedOffset | null {
    return this.groups.get(groupId)?.offsets.get(topic)?.get(partition)?.value ?? null;
  }

  /** All offsets of a group, topic by topic. */
  *offsets(groupId: string): Generator<TopicPartition & { readonly value: CommittedOffset }> {
    const entry = this.groups.get(groupId);
    if (entry === undefined) return;
    for (const [topic, partitions] of entry.offsets) {
      for (const [partition, { value }] of partitions) yield { topic, partition, value };
    }
  }

  partitionsOf(groupId: string, topic: string): Iterable<number> {
    return this.groups.get(groupId)?.offsets.get(topic)?.keys() ?? [];
  }

  /** Partitions that running transactions would commit offsets of this group for. */
  pendingInTransactions(groupId: string): TopicPartition[] {
    const found: TopicPartition[] = [];
    for (const pending of this.transactions.values()) {
      for (const { record } of pending.values()) {
        if (record.groupId === groupId) found.push({ topic: record.topic, partition: record.partition });
      }
    }
    return found;
  }

  isPendingInTransaction(groupId: string, topic: string, partition: number): boolean {
    if (this.transactions.size === 0) return false;
    const key = pendingKey(groupId, topic, partition);
    for (const pending of this.transactions.values()) if (pending.has(key)) return true;
    return false;
  }

  private putMetadata(groupId: string, value: StoredGroup | null): void {
    if (value !== null) {
      this.entryFor(groupId).metadata = value;
      return;
    }
    const entry = this.groups.get(groupId);
    if (entry === undefined) return;
    entry.metadata = null;
    this.dropIfBare(groupId, entry);
  }

  private putOffset(record: OffsetRecord, logOffset: number): void {
    if (record.value === null) {
      this.removeOffset(record);
      return;
    }
    const { offsets } = this.entryFor(record.groupId);
    let partitions = offsets.get(record.topic);
    if (partitions === undefined) offsets.set(record.topic, (partitions = new Map()));
    partitions.set(record.partition, { value: record.value, logOffset });
  }

  private removeOffset(record: OffsetRecord): void {
    for (const pending of this.transactions.values()) {
      pending.delete(pendingKey(record.groupId, record.topic, record.partition));
    }
    const entry = this.groups.get(record.groupId);
    const partitions = entry?.offsets.get(record.topic);
    if (entry === undefined || partitions === undefined) return;
    partitions.delete(record.partition);
    if (partitions.size === 0) entry.offsets.delete(record.topic);
    this.dropIfBare(record.groupId, entry);
  }

  private putPendingOffset(producerId: number, record: OffsetRecord, logOffset: number): void {
    let pending = this.transactions.get(producerId);
    if (pending === undefined) this.transactions.set(producerId, (pending = new Map()));
    const key = pendingKey(record.groupId, record.topic, record.partition);
    if (record.value === null) pending.delete(key);
    else pending.set(key, { record, logOffset });
  }

  private entry(record: OffsetRecord): OffsetEntry | undefined {
    return this.groups.get(record.groupId)?.offsets.get(record.topic)?.get(record.partition);
  }

  private entryFor(groupId: string): GroupEntry {
    let entry = this.groups.get(groupId);
    if (entry === undefined) this.groups.set(groupId, (entry = { metadata: null, offsets: new Map() }));
    return entry;
  }

  private dropIfBare(groupId: string, entry: GroupEntry): void {
    if (entry.metadata === null && entry.offsets.size === 0) this.groups.delete(groupId);
  }
}

interface GroupEntry {
  metadata: StoredGroup | null;
  readonly offsets: Map<string, Map<number, OffsetEntry>>;
}

interface OffsetEntry {
  readonly value: CommittedOffset;
  readonly logOffset: number;
}

interface PendingOffset {
  readonly record: OffsetRecord;
  readonly logOffset: number;
}

function pendingKey(groupId: string, topic: string, partition: number): string {
  return `${groupId}\0${topic}\0${partition}`;
}
