import {
  Consumer,
  listOffsets,
  partitionKey,
  type ClusterOptions,
  type IsolationLevel,
  type TopicPartition,
} from '@odradek/client';
import type { StreamTask } from '../task/stream-task.ts';
import type { Changelog } from './topic-plan.ts';

export interface RestoreParts {
  readonly cluster: ClusterOptions;
  readonly isolationLevel: IsolationLevel;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** All of a store is read anew. */
  readonly rebuilding: (task: StreamTask, store: string, reason: string) => void;
}

interface Restoring extends TopicPartition {
  readonly task: StreamTask;
  readonly store: string;
  readonly changelog: Changelog;
  /** When it is read up to here the store is complete. */
  readonly end: number;
}

const RECORDS_AT_ONCE = 2_000;
const POLL_MS = 500;

/**
 * Reads from the changelogs what the stores of tasks do not have yet; tasks that are closed meanwhile drop out.
 *
 * Their end is taken when this is called, and transactions that are open then are waited for: the offsets of the group
 * tell which of them counted before the partition was assigned, but the marker in the changelog may come later.
 *
 * @returns how many records were read
 */
export async function restore(tasks: readonly StreamTask[], parts: RestoreParts): Promise<number> {
  const wanted = tasks.flatMap((task) =>
    task.changelogs.map(({ store, changelog }) => ({
      task,
      store,
      changelog,
      topic: changelog.topic,
      partition: task.partition,
    })),
  );
  if (wanted.length === 0) return 0;
  const consumer = new Consumer({
    ...parts.cluster,
    isolationLevel: parts.isolationLevel,
    offsetReset: 'none',
    maxPollRecords: RECORDS_AT_ONCE,
  });
  try {
    const earliest = await offsetsOf(consumer, wanted, 'earliest');
    const latest = await offsetsOf(consumer, wanted, 'latest');
    const open = new Map<string, Restoring>();
    for (const one of wanted.filter(({ task }) => !task.isClosed)) {
      const key = partitionKey(one);
      const end = latest.get(key)!;
      const from = startOf(one, earliest.get(key)!, end, parts);
      if (from >= end) note(one, from, parts);
      else {
        await consumer.assign([{ topic: one.topic, partition: one.partition, from }]);
        open.set(key, { ...one, end });
      }
    }
    return await readAll(consumer, open, parts);
  } finally {
    await consumer.close();
  }
}

async function readAll(
  consumer: Consumer,
  open: Map<string, Restoring>,
  parts: RestoreParts,
): Promise<number> {
  let count = 0;
  while (open.size > 0) {
    for (const { records, nextOffset, ...at } of await consumer.poll(POLL_MS)) {
      const one = open.get(partitionKey(at));
      if (one === undefined || one.task.isClosed) continue;
      const rows = one.task.state.rows(one.store);
      for (const { key, value } of records) if (key !== null) rows.restore(key, value);
      count += records.length;
      note(one, nextOffset, parts);
    }
    for (const [key, one] of open) {
      if (!one.task.isClosed && (consumer.position(one) ?? 0) < one.end) continue;
      consumer.unassign([one]);
      open.delete(key);
    }
  }
  return count;
}

/** What was kept is of use if the changelog goes on from it, and no tombstone behind it can have been cleaned away. */
function startOf(
  { task, store, changelog }: Omit<Restoring, 'end'>,
  earliest: number,
  end: number,
  { now, rebuilding }: RestoreParts,
): number {
  const position = task.state.position(store);
  if (position === null) return earliest;
  const reason = uselessBecause(position, changelog, earliest, end, now());
  if (reason === null) return position.nextOffset;
  rebuilding(task, store, reason);
  task.state.empty(store);
  return earliest;
}

function uselessBecause(
  position: { readonly identity: string; readonly nextOffset: number; readonly savedMs: number },
  { identity, deleteRetentionMs }: Changelog,
  earliest: number,
  end: number,
  nowMs: number,
): string | null {
  const { nextOffset, savedMs } = position;
  if (position.identity !== identity) return 'it belongs to another topic or cluster';
  if (nextOffset < earliest)
    return `the changelog begins at ${earliest}, it has what is before ${nextOffset}`;
  if (nextOffset > end) return `the changelog ends at ${end}, it has what is before ${nextOffset}`;
  const ageMs = nowMs - savedMs;
  if (nextOffset < end && ageMs >= deleteRetentionMs) {
    return `it is ${ageMs} ms old, and the changelog keeps the ends of keys for ${deleteRetentionMs} ms`;
  }
  return null;
}

function note(
  { task, store, changelog }: Omit<Restoring, 'end'>,
  nextOffset: number,
  { now }: RestoreParts,
): void {
  task.state.notePosition(store, { identity: changelog.identity, nextOffset, savedMs: now() });
  task.state.commit();
}

async function offsetsOf(
  consumer: Consumer,
  wanted: readonly TopicPartition[],
  at: 'earliest' | 'latest',
): Promise<Map<string, number>> {
  // Up to the high watermark, open transactions included.
  const queries = wanted.map(({ topic, partition }) => ({ topic, partition, at }));
  const found = await listOffsets(consumer.cluster, queries, 'read_uncommitted');
  return new Map([...found].map(([key, { offset }]) => [key, offset]));
}
