import {
  HandlerError,
  asError,
  type FetchedRecords,
  type OffsetToCommit,
  type TopicPartition,
} from '@odradek/client';
import type { Changelog } from '../app/topic-plan.ts';
import type { InvalidRecord } from '../app/streams-options.ts';
import { TaskState } from '../state/task-state.ts';
import { topicName, type FlowRecord } from '../topology/flow.ts';
import type { Subtopology } from '../topology/topology.ts';
import { InputQueue } from './input-queue.ts';
import { TaskFlow, type FlowCounts, type OutputRecord } from './task-flow.ts';

export interface TaskOptions {
  readonly id: string;
  readonly subtopology: Subtopology;
  readonly partition: number;
  readonly applicationId: string;
  /** Null for memory. */
  readonly path: string | null;
  readonly changelogs: ReadonlyMap<string, Changelog>;
  readonly send: (record: OutputRecord) => void;
  readonly onInvalidRecord: (error: Error, record: InvalidRecord) => 'fail' | 'skip';
  readonly maxTaskIdleMs: number;
  /** When the task last committed; -1 for none. */
  readonly streamTimeMs: number;
  readonly counts: TaskCounts;
  readonly nowMs: number;
}

export interface TaskCounts extends FlowCounts {
  processed: number;
  skipped: number;
}

/** A change for a changelog. */
export interface StoreChange {
  readonly store: string;
  readonly topic: string;
  readonly key: Buffer;
  readonly value: Buffer | null;
}

/** How far all inputs have been read, by topic: 0 when everything was; null while it is not known. */
export type Lags = (topic: string) => number | null;

/** One partition number of a subtopology: its inputs, its state, and the work on them. */
export class StreamTask {
  readonly id: string;
  readonly partition: number;
  readonly state: TaskState;
  readonly queues: readonly InputQueue[];
  private readonly options: TaskOptions;
  private readonly flow: TaskFlow;
  private readonly writtenUpTo = new Map<string, number>();
  private idleSinceMs: number | null = null;
  /** Whether something was done that is not committed. */
  isDirty = false;
  /** Whether the state is complete. */
  isRestored = false;
  isClosed = false;

  /** @throws ClientError STATE_LOCKED, STATE_UNUSABLE */
  constructor(options: TaskOptions) {
    const { id, subtopology, partition, applicationId } = options;
    this.options = options;
    this.id = id;
    this.partition = partition;
    this.queues = subtopology.topics.map((topic) => new InputQueue(topic, topicName(topic, applicationId)));
    this.state = new TaskState(options.path, subtopology.stores);
    this.flow = new TaskFlow({ ...options, state: this.state });
  }

  get changelogs(): readonly { readonly store: string; readonly changelog: Changelog }[] {
    const { subtopology, changelogs } = this.options;
    return subtopology.stores.map(({ name }) => ({ store: name, changelog: changelogs.get(name)! }));
  }

  get nextPunctuationMs(): number | null {
    return this.isRestored ? this.flow.nextPunctuationMs : null;
  }

  add(batch: FetchedRecords): void {
    this.queues.find(({ topicName: name }) => name === batch.topic)?.add(batch);
  }

  /**
   * Does one thing that can be done now: a part of what time has made due, or the record with the lowest time of all
   * inputs, once each has one or is known to have none.
   *
   * @returns whether there was something to do
   * @throws HandlerError when the topology fails on a record
   */
  step(lags: Lags, nowMs: number): boolean {
    if (!this.isRestored) return false;
    if (!this.caughtUp()) return true;
    if (this.isWaiting(lags, nowMs)) return false;
    const queue = this.earliest();
    if (queue === null) return this.hasWork;
    this.isDirty = true;
    this.take(queue);
    return true;
  }

  /** Whether `step` might do something without any more records. */
  get hasWork(): boolean {
    return this.queues.some(({ length }) => length > 0);
  }

  punctuate(nowMs: number): void {
    if (this.isRestored && this.flow.punctuateWallClock(nowMs)) this.isDirty = true;
  }

  /** What changed in the stores since the last commit, once. */
  *changes(): Generator<StoreChange, void, undefined> {
    for (const { store, changelog } of this.changelogs) {
      for (const change of this.state.rows(store).changes.take()) {
        yield { store, topic: changelog.topic, ...change };
      }
    }
  }

  /** A change stands in the changelog. */
  noteWritten(store: string, offset: number): void {
    this.writtenUpTo.set(store, Math.max(offset + 1, this.writtenUpTo.get(store) ?? 0));
  }

  /**
   * Where to go on, and with it the stream time.
   *
   * @param positionOf of a partition of which nothing has come yet; null while it is not known
   */
  offsets(positionOf: (at: TopicPartition) => number | null): readonly OffsetToCommit[] {
    const { partition } = this;
    return this.queues.flatMap((queue) => {
      const at = { topic: queue.topicName, partition };
      const offset = queue.position >= 0 ? queue.position : (queue.first?.offset ?? positionOf(at));
      return offset === null ? [] : [{ ...at, offset, metadata: String(this.flow.streamTimeMs) }];
    });
  }

  /** Kafka has committed: so does the state. */
  committed(nowMs: number): void {
    for (const { store, changelog } of this.changelogs) {
      const nextOffset = this.writtenUpTo.get(store);
      if (nextOffset === undefined) continue;
      this.state.notePosition(store, { identity: changelog.identity, nextOffset, savedMs: nowMs });
    }
    this.writtenUpTo.clear();
    this.state.commit();
    this.isDirty = false;
  }

  /** What was not committed is forgotten. @param nowMs null when the state may not be as new as its changelogs */
  close(nowMs: number | null): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (nowMs !== null && this.isRestored && !this.isDirty) this.noteAge(nowMs);
    this.state.close();
  }

  /** All tombstones up to now are in the state. */
  private noteAge(nowMs: number): void {
    for (const { store } of this.changelogs) {
      const position = this.state.position(store);
      if (position !== null) this.state.notePosition(store, { ...position, savedMs: nowMs });
    }
    this.state.commit();
  }

  private caughtUp(): boolean {
    if (!this.flow.isBehind) return true;
    this.isDirty = true;
    try {
      return this.flow.catchUp();
    } catch (error) {
      const queue = this.queues[0]!;
      const at = { topic: queue.topicName, partition: this.partition };
      throw new HandlerError(at, Math.max(queue.position - 1, 0), asError(error));
    }
  }

  private isWaiting(lags: Lags, nowMs: number): boolean {
    const empty = this.queues.filter(({ length }) => length === 0);
    if (empty.length === this.queues.length) return true;
    if (empty.some(({ topicName: topic }) => lags(topic) !== 0)) return true;
    if (empty.length === 0) {
      this.idleSinceMs = null;
      return false;
    }
    this.idleSinceMs ??= nowMs;
    return nowMs - this.idleSinceMs < this.options.maxTaskIdleMs;
  }

  /** Null when what was at the head was skipped. */
  private earliest(): InputQueue | null {
    let earliest: InputQueue | null = null;
    for (const queue of this.queues) {
      if (queue.length === 0) continue;
      queue.head ??= this.decoded(queue);
      if (queue.head === null) return null;
      if (earliest === null || queue.head.timestamp < earliest.head!.timestamp) earliest = queue;
    }
    return earliest;
  }

  private decoded(queue: InputQueue): FlowRecord<unknown, unknown> | null {
    const record = queue.first!;
    try {
      return this.flow.decode(queue.topic, record);
    } catch (thrown) {
      const at = { topic: queue.topicName, partition: this.partition };
      const { offset, key, value } = record;
      if (this.options.onInvalidRecord(asError(thrown), { ...at, offset, key, value }) !== 'skip') {
        throw new HandlerError(at, offset, asError(thrown));
      }
      this.options.counts.skipped++;
      this.isDirty = true;
      queue.shift();
      return null;
    }
  }

  private take(queue: InputQueue): void {
    const { offset } = queue.first!;
    try {
      this.flow.process(queue.topic, queue.head!);
    } catch (thrown) {
      throw new HandlerError({ topic: queue.topicName, partition: this.partition }, offset, asError(thrown));
    }
    this.options.counts.processed++;
    queue.shift();
  }
}
