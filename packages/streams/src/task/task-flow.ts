import { ClientError, asError, type Serde } from '@odradek/client';
import type { DecodedRecord } from '@odradek/protocol/records/record.ts';
import { KeyValueRows, typedKeyValueStore, type KeyValueStore } from '../state/key-value-store.ts';
import type { TaskState } from '../state/task-state.ts';
import { WindowRows, typedWindowStore, type WindowStore } from '../state/window-store.ts';
import type { FlowRecord, Receive, TopicRef } from '../topology/flow.ts';
import { refKey, type Subtopology } from '../topology/topology.ts';
import type {
  NodeContext,
  PunctuationClock,
  SourceSpec,
  TableGetter,
  TopologyNode,
} from '../topology/topology-node.ts';

/** A record for a topic, as bytes. */
export interface OutputRecord {
  readonly topic: TopicRef;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestamp: number;
  readonly headers: DecodedRecord['headers'];
}

export interface FlowCounts {
  /** Records that were too late for a window or a join. */
  late: number;
}

export interface FlowOptions {
  readonly subtopology: Subtopology;
  readonly state: TaskState;
  readonly send: (record: OutputRecord) => void;
  readonly counts: FlowCounts;
  /** As it was when the task last committed; -1 for none. */
  readonly streamTimeMs: number;
  /** The machine's, milliseconds since 1970. */
  readonly nowMs: number;
}

interface Punctuation {
  readonly everyMs: number;
  readonly by: PunctuationClock;
  readonly punctuate: (nowMs: number) => void;
  /** Null until stream time has begun. */
  nextMs: number | null;
}

/** A subtopology at work in one task: takes records one by one and does everything that follows from each. */
export class TaskFlow {
  private readonly sources = new Map<
    string,
    { readonly spec: SourceSpec; readonly receive: Receive<unknown, unknown> }
  >();
  private readonly tables = new Map<TopologyNode, TableGetter>();
  private readonly timeWork: ((streamTimeMs: number) => boolean)[] = [];
  private readonly punctuations: Punctuation[] = [];
  private readonly options: FlowOptions;
  private isTimeWorkDue = true;
  streamTimeMs: number;

  constructor(options: FlowOptions) {
    this.options = options;
    this.streamTimeMs = options.streamTimeMs;
    const outputs = new Map<TopologyNode, Receive<unknown, unknown>[]>();
    for (const node of options.subtopology.nodes) {
      const children: Receive<unknown, unknown>[] = [];
      outputs.set(node, children);
      const receivers = node.start(this.contextFor(node, children)) as readonly Receive<unknown, unknown>[];
      for (const [index, parent] of node.parents.entries()) outputs.get(parent)!.push(receivers[index]!);
      if (node.source === null) continue;
      this.sources.set(refKey(node.source.topic), { spec: node.source, receive: receivers[0]! });
    }
  }

  /** @throws Error when a serde does not take the bytes, or there is no time */
  decode(topic: TopicRef, record: DecodedRecord): FlowRecord<unknown, unknown> {
    const { spec } = this.source(topic);
    const { headers } = record;
    const key = read('key', spec.key, record.key);
    const isEnd = spec.isTable && record.value === null;
    const value = isEnd ? null : read('value', spec.value, record.value);
    const decoded = { key, value, timestamp: record.timestamp, headers };
    const timestamp = spec.timestamp === null ? record.timestamp : spec.timestamp(decoded);
    if (Number.isSafeInteger(timestamp) && timestamp >= 0) return { ...decoded, timestamp };
    throw new ClientError('BAD_TIMESTAMP', `its time is ${timestamp}, needed are milliseconds since 1970`);
  }

  /** Does all that follows from a record; what becomes due by its time is left to `catchUp`. */
  process(topic: TopicRef, record: FlowRecord<unknown, unknown>): void {
    if (record.timestamp > this.streamTimeMs) {
      this.streamTimeMs = record.timestamp;
      this.isTimeWorkDue = true;
    }
    this.source(topic).receive(record);
  }

  /** Whether `catchUp` has something to look at. */
  get isBehind(): boolean {
    return this.isTimeWorkDue && this.streamTimeMs >= 0;
  }

  /** Does a part of what stream time has made due. @returns whether there is nothing left: only then the next record */
  catchUp(): boolean {
    if (!this.isBehind) return true;
    const unfinished = this.timeWork.filter((work) => !work(this.streamTimeMs));
    if (unfinished.length > 0) return false;
    this.isTimeWorkDue = false;
    this.punctuate('stream-time', this.streamTimeMs);
    return true;
  }

  /** When something is due by the machine's time; null for never. */
  get nextPunctuationMs(): number | null {
    const dues = this.punctuations.flatMap(({ by, nextMs }) =>
      by === 'wall-clock' && nextMs !== null ? [nextMs] : [],
    );
    return dues.length === 0 ? null : Math.min(...dues);
  }

  /** @returns whether something was due by the machine's time */
  punctuateWallClock(nowMs: number): boolean {
    return this.punctuate('wall-clock', nowMs);
  }

  private punctuate(clock: PunctuationClock, nowMs: number): boolean {
    let wasDue = false;
    for (const punctuation of this.punctuations) {
      const { by, everyMs } = punctuation;
      if (by !== clock) continue;
      const isDue = punctuation.nextMs !== null && nowMs >= punctuation.nextMs;
      if (isDue || punctuation.nextMs === null) punctuation.nextMs = nowMs - (nowMs % everyMs) + everyMs;
      if (!isDue) continue;
      punctuation.punctuate(nowMs);
      wasDue = true;
    }
    return wasDue;
  }

  private source(topic: TopicRef): {
    readonly spec: SourceSpec;
    readonly receive: Receive<unknown, unknown>;
  } {
    return this.sources.get(refKey(topic))!;
  }

  private contextFor(node: TopologyNode, children: readonly Receive<unknown, unknown>[]): NodeContext {
    const streamTimeMs = (): number => this.streamTimeMs;
    const { state, send, counts, nowMs } = this.options;
    return {
      get streamTimeMs() {
        return streamTimeMs();
      },
      forward: (record) => {
        for (const receive of children) receive(record);
      },
      keyValueStore: (name, key, value) => keyValueStore(state, name, key, value),
      windowStore: (name, key, value) => windowStore(state, name, key, value),
      onStreamTime: (work) => void this.timeWork.push(work),
      schedule: (everyMs, by, punctuate) => {
        const nextMs = by === 'wall-clock' ? nowMs + everyMs : null;
        this.punctuations.push({ everyMs, by, punctuate, nextMs });
      },
      offerTable: (get) => void this.tables.set(node, get),
      tableOf: (parent) => this.tables.get(parent)!,
      send: (topic, key, value, { timestamp, headers }) => send({ topic, key, value, timestamp, headers }),
      noteLate: () => void counts.late++,
    };
  }
}

function read(what: string, serde: Serde<unknown>, given: Buffer | null): unknown {
  try {
    return serde.deserialize(given);
  } catch (thrown) {
    throw new ClientError('UNREADABLE_RECORD', `its ${what} cannot be read: ${asError(thrown).message}`, {
      cause: thrown,
    });
  }
}

function keyValueStore<K, V>(
  state: TaskState,
  name: string,
  key: Serde<K>,
  value: Serde<V>,
): KeyValueStore<K, V> {
  const rows = state.rows(name);
  if (rows instanceof KeyValueRows) return typedKeyValueStore(rows, name, key, value);
  throw new ClientError('BAD_TOPOLOGY', `store "${name}" is one of windows`);
}

function windowStore<K, V>(
  state: TaskState,
  name: string,
  key: Serde<K>,
  value: Serde<V>,
): WindowStore<K, V> {
  const rows = state.rows(name);
  if (rows instanceof WindowRows) return typedWindowStore(rows, name, key, value);
  throw new ClientError('BAD_TOPOLOGY', `store "${name}" has no windows`);
}
