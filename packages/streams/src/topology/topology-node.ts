import type { KeyValueStore } from '../state/key-value-store.ts';
import type { StoreSpec } from '../state/store-spec.ts';
import type { WindowStore } from '../state/window-store.ts';
import type { Serde } from '@odradek/client';
import type { FlowRecord, Receive, TopicRef } from './flow.ts';

/** Where records come in. */
export interface SourceSpec {
  readonly topic: TopicRef;
  readonly key: Serde<unknown>;
  readonly value: Serde<unknown>;
  /** Tombstones of a table are no values. */
  readonly isTable: boolean;
  readonly timestamp: ((record: FlowRecord<unknown, unknown>) => number) | null;
}

/** Where records go out. */
export interface SinkSpec {
  readonly topic: TopicRef;
}

/** Looks a key of a table up. @returns null where it has no value */
export type TableGetter = (key: never) => unknown;

/** When a punctuator is called: as the time of the records goes on, or that of the machine. */
export type PunctuationClock = 'stream-time' | 'wall-clock';

/** What a node finds in the task that it works in. */
export interface NodeContext {
  /** Hands a record to all children. */
  readonly forward: Receive<unknown, unknown>;
  /** The highest timestamp that the task has seen; -1 before the first. */
  readonly streamTimeMs: number;
  keyValueStore<K, V>(name: string, key: Serde<K>, value: Serde<V>): KeyValueStore<K, V>;
  windowStore<K, V>(name: string, key: Serde<K>, value: Serde<V>): WindowStore<K, V>;
  /**
   * Called when stream time has gone on, before the next record.
   *
   * @param work does part of what is due, so that much of it does not take much memory. @returns whether all is done
   */
  onStreamTime(work: (streamTimeMs: number) => boolean): void;
  schedule(everyMs: number, by: PunctuationClock, punctuate: (nowMs: number) => void): void;
  offerTable(get: TableGetter): void;
  tableOf(node: TopologyNode): TableGetter;
  send(topic: TopicRef, key: Buffer | null, value: Buffer | null, record: FlowRecord<unknown, unknown>): void;
  /** A record came too late for a window. */
  noteLate(): void;
}

/** One step of a topology. The closure in `start` knows the types; between nodes they are unknown. */
export interface TopologyNode {
  readonly index: number;
  /** Deterministic: what it does, and its place in the order of building. */
  readonly name: string;
  readonly parents: readonly TopologyNode[];
  readonly stores: readonly StoreSpec[];
  readonly source: SourceSpec | null;
  readonly sink: SinkSpec | null;
  /** Begins work in a task. @returns what takes the records of each parent, in their order; of a source, its own */
  readonly start: (context: NodeContext) => readonly Receive<never, never>[];
}
