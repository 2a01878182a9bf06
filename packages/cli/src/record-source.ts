import { Consumer } from '@odradek/client/consumer/consumer.ts';
import type { ConsumerOptions } from '@odradek/client/consumer/consumer-options.ts';
import type { PartitionTrouble, StartOffset } from '@odradek/client/consumer/fetch/fetch-partition.ts';
import type { FetchedRecords } from '@odradek/client/consumer/fetch/fetched-data.ts';
import type { JoinTrouble } from '@odradek/client/consumer/membership.ts';
import { GroupConsumer } from '@odradek/client/consumer/group-consumer.ts';
import { listOffsets, type FoundOffset, type OffsetSpec } from '@odradek/client/consumer/list-offsets.ts';
import { partitionKey, type TopicPartition } from '@odradek/client/cluster/topic-partition.ts';
import { CommandError } from './terminal.ts';

/** For the last commit; longer than this nobody waits who has pressed Ctrl+C. */
const CLOSE_TIMEOUT_MS = 5_000;

/** Where records come from: named partitions, or what a group assigns. */
export interface RecordSource {
  /** Nothing more will come. */
  readonly isAtEnd: boolean;
  /** Why records may be missing although attempts go on, and since when (monotonic). */
  readonly trouble: PartitionTrouble | JoinTrouble | null;
  poll(timeoutMs: number): Promise<readonly FetchedRecords[]>;
  /** The records of a partition before this offset were written. */
  written(at: TopicPartition, nextOffset: number): void;
  wake(): void;
  close(): Promise<void>;
}

/** Where reading begins: what brokers can look up, an offset, or so many records before the end. */
export type Beginning = StartOffset | { readonly beforeEnd: number };

export interface PartitionChoice {
  readonly topics: readonly string[];
  /** Of each topic; all when empty. */
  readonly partitions: readonly number[];
  readonly from: Beginning;
  /** Stop at what is the end when starting. */
  readonly toEnd: boolean;
  /** How long a topic that is not known may still turn up, milliseconds. */
  readonly topicWaitMs: number;
}

/** Reads partitions outside of any group. @throws KafkaError, CommandError when an offset is not in the log */
export async function openPartitions(
  choice: PartitionChoice,
  options: ConsumerOptions,
): Promise<RecordSource> {
  const consumer = new Consumer({ ...options, offsetReset: resetFor(choice.from) });
  try {
    await consumer.connect();
    const partitions = await chosenPartitions(consumer, choice);
    const starts = await startsOf(consumer, partitions, choice.from);
    const ends = choice.toEnd ? await lookUp(consumer, partitions, 'latest') : null;
    const source = new PartitionSource(consumer, ends);
    await source.begin(starts);
    return source;
  } catch (error) {
    await consumer.close();
    throw error;
  }
}

/** Reads as a member of a group. @throws ConnectionError when no broker answers */
export async function openGroup(
  topics: readonly string[],
  groupId: string,
  options: ConsumerOptions,
): Promise<RecordSource> {
  const consumer = new GroupConsumer({ ...options, groupId, topics });
  try {
    await consumer.connect();
  } catch (error) {
    await consumer.close();
    throw error;
  }
  return {
    isAtEnd: false,
    get trouble() {
      return consumer.trouble;
    },
    poll: (timeoutMs) => consumer.poll(timeoutMs),
    written: ({ topic, partition }, offset) => consumer.markProcessed([{ topic, partition, offset }]),
    wake: () => consumer.wake(),
    close: () => consumer.close(CLOSE_TIMEOUT_MS),
  };
}

/** An offset that retention has taken is an error when it was asked for by number. */
function resetFor(from: Beginning): 'earliest' | 'latest' | 'none' {
  if (from === 'latest') return 'latest';
  return typeof from === 'number' ? 'none' : 'earliest';
}

async function chosenPartitions(consumer: Consumer, choice: PartitionChoice): Promise<TopicPartition[]> {
  const chosen: TopicPartition[] = [];
  for (const topic of new Set(choice.topics)) {
    const existing = await consumer.partitionsOf(topic, choice.topicWaitMs);
    for (const partition of choice.partitions.length > 0 ? new Set(choice.partitions) : existing) {
      if (!existing.includes(partition)) {
        throw new CommandError(
          `topic "${topic}" has partitions 0 to ${existing.length - 1}, not ${partition}`,
        );
      }
      chosen.push({ topic, partition });
    }
  }
  return chosen;
}

interface Start extends TopicPartition {
  readonly offset: number;
}

async function startsOf(
  consumer: Consumer,
  partitions: readonly TopicPartition[],
  from: Beginning,
): Promise<readonly Start[]> {
  const firsts = await lookUp(consumer, partitions, 'earliest');
  const nexts = await lookUp(consumer, partitions, 'latest');
  const isTime = typeof from === 'object' && 'timestampMs' in from;
  const atTime = isTime ? await lookUp(consumer, partitions, from) : null;
  return partitions.map((at) => {
    const key = partitionKey(at);
    const first = firsts.get(key)!.offset;
    const next = nexts.get(key)!.offset;
    return { ...at, offset: startOf(at, from, first, next, atTime?.get(key)?.offset ?? -1) };
  });
}

/** @param atTime -1 when nothing is as late */
function startOf(at: TopicPartition, from: Beginning, first: number, next: number, atTime: number): number {
  if (from === 'earliest') return first;
  if (from === 'latest') return next;
  if (typeof from === 'object') {
    if ('beforeEnd' in from) return Math.max(first, next - from.beforeEnd);
    return atTime < 0 ? next : atTime;
  }
  if (from >= first && from <= next) return from;
  const inLog =
    next === first ? `is empty; the next offset is ${next}` : `has offsets ${first} to ${next - 1}`;
  throw new CommandError(`${at.topic}-${at.partition} ${inLog}, not ${from}`);
}

function lookUp(
  consumer: Consumer,
  partitions: readonly TopicPartition[],
  at: OffsetSpec,
): Promise<Map<string, FoundOffset>> {
  return listOffsets(
    consumer.cluster,
    partitions.map((partition) => ({ ...partition, at })),
  );
}

/** Named partitions, each up to where it ended at the start if that is wanted. */
class PartitionSource implements RecordSource {
  private readonly consumer: Consumer;
  /** Of those that are not read to their end; null to read on for ever. */
  private readonly ends: Map<string, number> | null;

  constructor(consumer: Consumer, ends: ReadonlyMap<string, FoundOffset> | null) {
    this.consumer = consumer;
    this.ends = ends === null ? null : new Map([...ends].map(([key, { offset }]) => [key, offset]));
  }

  get isAtEnd(): boolean {
    return this.ends?.size === 0;
  }

  get trouble(): PartitionTrouble | null {
    return this.consumer.trouble;
  }

  async begin(starts: readonly Start[]): Promise<void> {
    const unfinished = starts.filter((start) => !this.finishes(start, start.offset));
    await this.consumer.assign(
      unfinished.map(({ topic, partition, offset }) => ({ topic, partition, from: offset })),
    );
  }

  async poll(timeoutMs: number): Promise<readonly FetchedRecords[]> {
    const fetched = await this.consumer.poll(timeoutMs);
    return this.ends === null ? fetched : fetched.map((batch) => this.upToEnd(batch));
  }

  written(at: TopicPartition, nextOffset: number): void {
    if (this.finishes(at, nextOffset)) this.consumer.unassign([at]);
  }

  wake(): void {
    this.consumer.wake();
  }

  async close(): Promise<void> {
    await this.consumer.close();
  }

  private finishes(at: TopicPartition, nextOffset: number): boolean {
    const end = this.ends?.get(partitionKey(at));
    if (end === undefined || nextOffset < end) return false;
    this.ends!.delete(partitionKey(at));
    return true;
  }

  /** What was appended since the start is left out. */
  private upToEnd(batch: FetchedRecords): FetchedRecords {
    const end = this.ends?.get(partitionKey(batch));
    if (end === undefined || batch.nextOffset <= end) return batch;
    return { ...batch, records: batch.records.filter(({ offset }) => offset < end), nextOffset: end };
  }
}
