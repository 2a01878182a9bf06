import type { RecordHeader } from '@odradek/protocol/records/record.ts';
import type { Serdes } from '../dsl/graph.ts';
import type { StoreDefinition } from '../dsl/processor.ts';
import { KeyValueRows, typedKeyValueStore, type KeyValueStore } from '../state/key-value-store.ts';
import { TaskState } from '../state/task-state.ts';
import { TaskFlow, type FlowCounts, type OutputRecord } from '../task/task-flow.ts';
import type { TopicRef } from '../topology/flow.ts';
import { refKey, type Topology } from '../topology/topology.ts';

export interface DrivenRecord<K, V> {
  readonly key: K;
  readonly value: V;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly headers: readonly RecordHeader[];
}

/**
 * A topology without brokers, for tests: one task for each subtopology, in memory. What follows from a record has
 * happened when `pipe` returns; time goes on only by the records and by `advanceWallClock`.
 */
export class TopologyDriver {
  private readonly flows: {
    readonly topics: readonly TopicRef[];
    readonly flow: TaskFlow;
    readonly state: TaskState;
  }[];
  private readonly outputs = new Map<string, OutputRecord[]>();
  private readonly waiting: OutputRecord[] = [];
  private readonly counts: FlowCounts = { late: 0 };
  private wallClockMs: number;
  private isPumping = false;

  /** @param startMs the machine's time at the beginning, milliseconds since 1970 */
  constructor(topology: Topology, startMs = 0) {
    this.wallClockMs = startMs;
    this.flows = topology.subtopologies.map((subtopology) => {
      const state = new TaskState(null, subtopology.stores);
      const send = (record: OutputRecord): void => void this.waiting.push(record);
      const flow = new TaskFlow({
        subtopology,
        state,
        send,
        counts: this.counts,
        streamTimeMs: -1,
        nowMs: startMs,
      });
      return { topics: subtopology.topics, flow, state };
    });
  }

  /** Records that were too late for a window or a join. */
  get lateCount(): number {
    return this.counts.late;
  }

  /** Writes a record to a topic of the user. @param value null for a tombstone @throws what the topology throws */
  pipe<K, V>(topic: string, serdes: Serdes<K, V>, key: K, value: V | null, timestamp: number): void {
    this.waiting.push({
      topic: { name: topic, isInternal: false, partitions: null },
      key: serdes.key.serialize(key),
      value: value === null ? null : serdes.value.serialize(value),
      timestamp,
      headers: [],
    });
    this.pump();
  }

  /** Lets the machine's time go on. @param byMs 0 or more */
  advanceWallClock(byMs: number): void {
    this.wallClockMs += byMs;
    for (const { flow } of this.flows) flow.punctuateWallClock(this.wallClockMs);
    this.pump();
  }

  /** Takes what was written to a topic since the last call. A value of null is a tombstone. */
  read<K, V>(topic: string, serdes: Serdes<K, V>): DrivenRecord<K, V | null>[] {
    const written = this.outputs.get(topic) ?? [];
    this.outputs.delete(topic);
    return written.map(({ key, value, timestamp, headers }) => ({
      key: serdes.key.deserialize(key),
      value: value === null ? null : serdes.value.deserialize(value),
      timestamp,
      headers,
    }));
  }

  /** A store by key, as it is now. @throws Error when there is none of that name */
  store<K, V>({ name, key, value }: StoreDefinition<K, V>): KeyValueStore<K, V> {
    for (const { state } of this.flows) {
      const found = state.stores.find(({ spec }) => spec.name === name)?.rows;
      if (found instanceof KeyValueRows) return typedKeyValueStore(found, name, key, value);
    }
    throw new Error(`there is no store "${name}" by key`);
  }

  close(): void {
    for (const { state } of this.flows) state.close();
  }

  private pump(): void {
    if (this.isPumping) return;
    this.isPumping = true;
    try {
      for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift())
        this.deliver(next);
    } finally {
      this.isPumping = false;
    }
  }

  private deliver(record: OutputRecord): void {
    const { topic } = record;
    if (!topic.isInternal) this.outputs.set(topic.name, [...(this.outputs.get(topic.name) ?? []), record]);
    const reader = this.flows.find(({ topics }) => topics.some((read) => refKey(read) === refKey(topic)));
    if (reader === undefined) return;
    const { flow } = reader;
    flow.process(topic, flow.decode(topic, { offset: 0, ...record }));
    while (!flow.catchUp());
  }
}
