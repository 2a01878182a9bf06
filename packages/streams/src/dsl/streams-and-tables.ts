import { ClientError, integers, type Serde } from '@odradek/client';
import { windowed, type Windowed } from '../windowed.ts';
import type { Change, FlowRecord, TopicRef } from '../topology/flow.ts';
import type { TopologyNode } from '../topology/topology-node.ts';
import type { Graph, Serdes } from './graph.ts';
import { addProcessor, type ProcessorFactory, type StoreDefinition } from './processor.ts';
import { addStreamJoin, type StreamJoinOptions } from './stream-join.ts';
import { addAggregate, addDerivedTable, addTableJoin, addTableLookup } from './table-nodes.ts';
import { addWindowedAggregate, type Emit } from './windowed-aggregate.ts';
import { atLeast, type TimeWindows } from './windows.ts';

/** What there is of a stream's types, and whether its keys are still those by which its topic is partitioned. */
export interface StreamSerdes<K, V> {
  /** Null where keys were computed and nobody has said how they are written; so with values. */
  readonly key: Serde<K> | null;
  readonly value: Serde<V> | null;
  readonly isRekeyed: boolean;
}

export interface RepartitionOptions<K, V> extends Partial<Serdes<K, V>> {
  /** Names the topic in between: `APPLICATION-NAME-repartition`. */
  readonly name: string;
  /** Default: as many as what it is read together with has, else as what it comes from. */
  readonly partitions?: number;
}

/**
 * Records, each for itself. Functions are called in the order of the records of a partition, must not wait (a promise is
 * no value), and may be called again for a record that was not committed: effects elsewhere are not exactly once.
 */
export class Stream<K, V> {
  private readonly graph: Graph;
  readonly node: TopologyNode;
  readonly serdes: StreamSerdes<K, V>;

  constructor(graph: Graph, node: TopologyNode, serdes: StreamSerdes<K, V>) {
    this.graph = graph;
    this.node = node;
    this.serdes = serdes;
  }

  /** Narrows the type when the predicate does. */
  filter<W extends V>(predicate: (value: V, key: K) => value is W): Stream<K, W>;
  filter(predicate: (value: V, key: K) => boolean): Stream<K, V>;
  filter(predicate: (value: V, key: K) => boolean): Stream<K, V> {
    return this.step('filter', this.serdes, (record, forward) => {
      if (predicate(record.value, record.key)) forward(record);
    });
  }

  /** Another key and value for each record. */
  map<L, W>(map: (value: V, key: K) => readonly [L, W], serdes: Partial<Serdes<L, W>> = {}): Stream<L, W> {
    return this.flatMap((value, key) => [map(value, key)], serdes);
  }

  /** Any number of records for each; some 100,000 at most. */
  flatMap<L, W>(
    map: (value: V, key: K) => Iterable<readonly [L, W]>,
    serdes: Partial<Serdes<L, W>> = {},
  ): Stream<L, W> {
    return this.step('flat-map', computed(serdes, true), (record, forward) => {
      for (const [key, value] of map(record.value, record.key)) forward({ ...record, key, value });
    });
  }

  /** The key stays, so nothing needs to be partitioned anew. */
  mapValues<W>(map: (value: V, key: K) => W, value?: Serde<W>): Stream<K, W> {
    return this.flatMapValues((given, key) => [map(given, key)], value);
  }

  flatMapValues<W>(map: (value: V, key: K) => Iterable<W>, value?: Serde<W>): Stream<K, W> {
    const { key, isRekeyed } = this.serdes;
    return this.step('flat-map-values', { key, value: value ?? null, isRekeyed }, (record, forward) => {
      for (const one of map(record.value, record.key)) forward({ ...record, value: one });
    });
  }

  selectKey<L>(select: (value: V, key: K) => L, key?: Serde<L>): Stream<L, V> {
    return this.step(
      'select-key',
      { key: key ?? null, value: this.serdes.value, isRekeyed: true },
      (record, forward) => forward({ ...record, key: select(record.value, record.key) }),
    );
  }

  /** Looks at each record on its way. */
  peek(look: (value: V, key: K) => void): Stream<K, V> {
    return this.step('peek', this.serdes, (record, forward) => {
      look(record.value, record.key);
      forward(record);
    });
  }

  /** The records of both. */
  merge(other: Stream<K, V>): Stream<K, V> {
    requireSameBuilder(this.graph, other);
    const node = this.graph.add('merge', {
      parents: [this.node, other.node],
      start: ({ forward }) => [forward, forward],
    });
    return new Stream(this.graph, node, {
      key: this.serdes.key ?? other.serdes.key,
      value: this.serdes.value ?? other.serdes.value,
      isRekeyed: this.serdes.isRekeyed || other.serdes.isRekeyed,
    });
  }

  /** Code of one's own, with stores and punctuation. The key that it forwards is taken for a new one. */
  process<L, W>(
    factory: ProcessorFactory<K, V, L, W>,
    stores: readonly StoreDefinition<unknown, unknown>[] = [],
    serdes: Partial<Serdes<L, W>> = {},
  ): Stream<L, W> {
    const node = addProcessor(this.graph, this.node, factory, stores);
    return new Stream(this.graph, node, computed(serdes, true));
  }

  /**
   * Writes to a topic, which has to be there. Null values are tombstones.
   *
   * @throws ClientError SERDE_MISSING
   */
  to(topic: string, serdes: Partial<Serdes<K, V>> = {}): void {
    const ref = { name: topic, isInternal: false, partitions: null };
    this.graph.addSink(this.node, ref, this.serdesFor(`to("${topic}")`, serdes), false);
  }

  /** Writes to a topic and goes on from there. @throws ClientError SERDE_MISSING */
  through(topic: string, serdes: Partial<Serdes<K, V>> = {}): Stream<K, V> {
    this.to(topic, serdes);
    return this.from({ name: topic, isInternal: false, partitions: null }, `through("${topic}")`, serdes);
  }

  /** Through a topic of the application's own, so that equal keys meet in one task. @throws ClientError SERDE_MISSING */
  repartition(options: RepartitionOptions<K, V>): Stream<K, V> {
    const { name, partitions } = options;
    const topic = {
      name,
      isInternal: true,
      partitions: partitions === undefined ? null : atLeast('partitions', partitions, 1),
    };
    const what = `repartition("${name}")`;
    this.graph.addSink(this.node, topic, this.serdesFor(what, options), true);
    return this.from(topic, what, options);
  }

  /**
   * By the key that there is.
   *
   * @throws ClientError REPARTITION_NEEDED when the key was changed; SERDE_MISSING
   */
  groupByKey(serdes: Partial<Serdes<K, V>> = {}): GroupedStream<K, V> {
    this.requirePartitioned('groupByKey', this);
    return new GroupedStream(
      this.graph,
      this.node,
      this.keySerde('groupByKey', serdes),
      this.valueSerde(serdes),
    );
  }

  /** By another key: through a repartition topic, under the name that is given. @throws ClientError SERDE_MISSING */
  groupBy<L>(select: (value: V, key: K) => L, options: RepartitionOptions<L, V>): GroupedStream<L, V> {
    const grouped = this.selectKey(select, options.key).repartition(options);
    return grouped.groupByKey();
  }

  /** With the value that a table has for the key at the time; records without one are left out. */
  join<W, R>(table: Table<K, W>, joiner: (left: V, right: W, key: K) => R): Stream<K, R> {
    return this.withTable('join', table, (record, right, forward) => {
      if (right !== null) forward({ ...record, value: joiner(record.value, right, record.key) });
    });
  }

  /** The same, with null where the table has no value. */
  leftJoin<W, R>(table: Table<K, W>, joiner: (left: V, right: W | null, key: K) => R): Stream<K, R> {
    return this.withTable('left-join', table, (record, right, forward) =>
      forward({ ...record, value: joiner(record.value, right, record.key) }),
    );
  }

  /**
   * With each record of another stream that has the same key and a time within the window. The result has the later of
   * both times.
   */
  joinStream<W, R>(
    other: Stream<K, W>,
    joiner: (left: V, right: W, key: K) => R,
    options: StreamJoinOptions<K, V, W>,
  ): Stream<K, R> {
    return this.withStream('stream-join', other, options, false, (left, right, key) =>
      joiner(left, right as W, key),
    );
  }

  /** The same, and each record of this stream that found none, with null, once the window has closed. */
  leftJoinStream<W, R>(
    other: Stream<K, W>,
    joiner: (left: V, right: W | null, key: K) => R,
    options: StreamJoinOptions<K, V, W>,
  ): Stream<K, R> {
    return this.withStream('stream-left-join', other, options, true, joiner);
  }

  private withStream<W, R>(
    kind: string,
    other: Stream<K, W>,
    options: StreamJoinOptions<K, V, W>,
    isLeft: boolean,
    joiner: (left: V, right: W | null, key: K) => R,
  ): Stream<K, R> {
    requireSameBuilder(this.graph, other);
    this.requirePartitioned(kind, this);
    this.requirePartitioned(kind, other);
    const given = options.key === undefined ? {} : { key: options.key };
    const key = this.keySerde(kind, given);
    const left = options.left ?? this.serdes.value;
    const right = options.right ?? other.serdes.value;
    if (left === null || right === null) throw serdeMissing(kind, left === null ? 'left' : 'right');
    const parts = {
      kind,
      parents: [this.node, other.node],
      key,
      left,
      right,
      options,
      isLeft,
      joiner,
    } as const;
    return new Stream(this.graph, addStreamJoin(this.graph, parts), { key, value: null, isRekeyed: false });
  }

  private withTable<W, R>(
    kind: string,
    table: Table<K, W>,
    handle: (record: FlowRecord<K, V>, right: W | null, forward: (record: FlowRecord<K, R>) => void) => void,
  ): Stream<K, R> {
    requireSameBuilder(this.graph, table);
    this.requirePartitioned(kind, this);
    const node = addTableLookup(this.graph, kind, [this.node, table.node], handle);
    return new Stream(this.graph, node, { key: this.serdes.key, value: null, isRekeyed: false });
  }

  private step<L, W>(
    kind: string,
    serdes: StreamSerdes<L, W>,
    handle: (record: FlowRecord<K, V>, forward: (record: FlowRecord<L, W>) => void) => void,
  ): Stream<L, W> {
    const node = this.graph.add(kind, {
      parents: [this.node],
      start: ({ forward }) => [(record: FlowRecord<K, V>) => handle(record, forward)],
    });
    return new Stream(this.graph, node, serdes);
  }

  private from(topic: TopicRef, what: string, given: Partial<Serdes<K, V>>): Stream<K, V> {
    const serdes = this.serdesFor(what, given);
    return new Stream(this.graph, this.graph.addSource(topic, serdes, false), {
      ...serdes,
      isRekeyed: false,
    });
  }

  private serdesFor(what: string, given: Partial<Serdes<K, V>>): Serdes<K, V> {
    const value = this.valueSerde(given);
    if (value === null) throw serdeMissing(what, 'value');
    return { key: this.keySerde(what, given), value };
  }

  private keySerde(what: string, given: Partial<Serdes<K, V>>): Serde<K> {
    const key = given.key ?? this.serdes.key;
    if (key !== null) return key;
    throw serdeMissing(what, 'key');
  }

  private valueSerde(given: Partial<Serdes<K, V>>): Serde<V> | null {
    return given.value ?? this.serdes.value;
  }

  private requirePartitioned<L, W>(what: string, stream: Stream<L, W>): void {
    if (!stream.serdes.isRekeyed) return;
    throw new ClientError(
      'REPARTITION_NEEDED',
      `${what}: the key was changed since ${stream.node.name}'s topic, so equal keys may be in different partitions; call repartition({ name }) before`,
    );
  }
}

/** What there is of a table's types. */
export interface TableSerdes<K, V> {
  readonly key: Serde<K>;
  /** Null where values were computed and nobody has said how they are written. */
  readonly value: Serde<V> | null;
}

/** The last value of each key. A value is never null: that is how a key ends. */
export class Table<K, V> {
  private readonly graph: Graph;
  readonly node: TopologyNode;
  readonly serdes: TableSerdes<K, V>;

  constructor(graph: Graph, node: TopologyNode, serdes: TableSerdes<K, V>) {
    this.graph = graph;
    this.node = node;
    this.serdes = serdes;
  }

  /** Without the keys whose values do not hold. Nothing is stored for it. */
  filter(predicate: (value: V, key: K) => boolean): Table<K, V> {
    return this.derived('table-filter', this.serdes.value, (value, key) =>
      predicate(value, key) ? value : null,
    );
  }

  /** Other values. Nothing is stored for it: `map` is called for old values, too, and has to give the same again. */
  mapValues<W>(map: (value: V, key: K) => W, value: Serde<W> | null = null): Table<K, W> {
    return this.derived('table-map-values', value, map);
  }

  /** Keys that both have. */
  join<W, R>(other: Table<K, W>, joiner: (left: V, right: W, key: K) => R): Table<K, R> {
    return this.joined('table-join', other, (left, right, key) =>
      left === null || right === null ? null : joiner(left, right, key),
    );
  }

  /** Keys that this one has. */
  leftJoin<W, R>(other: Table<K, W>, joiner: (left: V, right: W | null, key: K) => R): Table<K, R> {
    return this.joined('table-left-join', other, (left, right, key) =>
      left === null ? null : joiner(left, right, key),
    );
  }

  /** Keys that either has. */
  outerJoin<W, R>(other: Table<K, W>, joiner: (left: V | null, right: W | null, key: K) => R): Table<K, R> {
    return this.joined('table-outer-join', other, (left, right, key) =>
      left === null && right === null ? null : joiner(left, right, key),
    );
  }

  /** Every change as a record: the new value, or null at a key's end. */
  toStream(): Stream<K, V | null> {
    const node = this.graph.add('to-stream', {
      parents: [this.node],
      start: ({ forward }) => [
        (record: FlowRecord<K, Change<V>>) => forward({ ...record, value: record.value.after }),
      ],
    });
    const value = this.serdes.value as Serde<V | null> | null;
    return new Stream(this.graph, node, { key: this.serdes.key, value, isRekeyed: false });
  }

  private derived<W>(kind: string, value: Serde<W> | null, map: (value: V, key: K) => W | null): Table<K, W> {
    const node = addDerivedTable(this.graph, kind, this.node, map);
    return new Table(this.graph, node, { key: this.serdes.key, value });
  }

  private joined<W, R>(
    kind: string,
    other: Table<K, W>,
    joiner: (left: V | null, right: W | null, key: K) => R | null,
  ): Table<K, R> {
    requireSameBuilder(this.graph, other);
    if (other.node === this.node) {
      throw new ClientError('BAD_TOPOLOGY', 'a table cannot be joined with itself: use mapValues');
    }
    const node = addTableJoin(this.graph, kind, [this.node, other.node], joiner);
    return new Table<K, R>(this.graph, node, { key: this.serdes.key, value: null });
  }
}

export interface StoreOptions {
  /** Names the store, and with it the changelog. */
  readonly store: string;
}

export interface AggregateOptions<A> extends StoreOptions {
  readonly value: Serde<A>;
}

export interface WindowOptions {
  /**
   * `updates`: a record for each change of a window, as tables have it. `final`: one for each window, when it is closed,
   * which takes a later record of any key in the same partition. Default `updates`.
   */
  readonly emit?: Emit;
}

/** Records by key, to be made one value of. Records are counted in the order of their partition. */
export class GroupedStream<K, V> {
  private readonly graph: Graph;
  private readonly node: TopologyNode;
  private readonly key: Serde<K>;
  private readonly value: Serde<V> | null;

  constructor(graph: Graph, node: TopologyNode, key: Serde<K>, value: Serde<V> | null) {
    this.graph = graph;
    this.node = node;
    this.key = key;
    this.value = value;
  }

  /** How many records each key has. */
  count(options: StoreOptions): Table<K, number> {
    return this.aggregate(
      () => 0,
      (count) => count + 1,
      { ...options, value: integers },
    );
  }

  /** Starts with a key's first value. @throws ClientError SERDE_MISSING */
  reduce(reduce: (aggregate: V, value: V) => V, options: StoreOptions): Table<K, V> {
    const value = writtenAs(this.value);
    return this.fold((aggregate, given) => (aggregate === null ? given : reduce(aggregate, given)), {
      ...options,
      value,
    });
  }

  /** @param add must not change `aggregate` in place. Its result is what is stored; null ends the key */
  aggregate<A>(
    initial: () => A,
    add: (aggregate: A, value: V, key: K) => A | null,
    options: AggregateOptions<A>,
  ): Table<K, A> {
    return this.fold((aggregate, value, key) => add(aggregate ?? initial(), value, key), options);
  }

  windowedBy(windows: TimeWindows, options: WindowOptions = {}): WindowedStream<K, V> {
    const emit = options.emit ?? 'updates';
    if (emit !== 'updates' && emit !== 'final') {
      throw new ClientError('BAD_OPTION', `emit is "${String(emit)}", allowed are updates, final`);
    }
    return new WindowedStream(this.graph, this.node, { key: this.key, value: this.value, windows, emit });
  }

  private fold<A>(
    fold: (aggregate: A | null, value: V, key: K) => A | null,
    { store, value }: AggregateOptions<A>,
  ): Table<K, A> {
    const { key } = this;
    const node = addAggregate(this.graph, this.node, { key, value }, store, fold);
    return new Table(this.graph, node, { key, value });
  }
}

interface WindowedParts<K, V> {
  readonly key: Serde<K>;
  readonly value: Serde<V> | null;
  readonly windows: TimeWindows;
  readonly emit: Emit;
}

/** Records by key and window. */
export class WindowedStream<K, V> {
  private readonly graph: Graph;
  private readonly node: TopologyNode;
  private readonly parts: WindowedParts<K, V>;

  constructor(graph: Graph, node: TopologyNode, parts: WindowedParts<K, V>) {
    this.graph = graph;
    this.node = node;
    this.parts = parts;
  }

  count(options: StoreOptions): Table<Windowed<K>, number> {
    return this.aggregate(
      () => 0,
      (count) => count + 1,
      { ...options, value: integers },
    );
  }

  /** Starts with a window's first value. @throws ClientError SERDE_MISSING */
  reduce(reduce: (aggregate: V, value: V) => V, options: StoreOptions): Table<Windowed<K>, V> {
    const value = writtenAs(this.parts.value);
    return this.fold((aggregate, given) => (aggregate === null ? given : reduce(aggregate, given)), {
      ...options,
      value,
    });
  }

  /** @param add must not change `aggregate` in place */
  aggregate<A>(
    initial: () => A,
    add: (aggregate: A, value: V, key: K) => A,
    options: AggregateOptions<A>,
  ): Table<Windowed<K>, A> {
    return this.fold((aggregate, value, key) => add(aggregate ?? initial(), value, key), options);
  }

  private fold<A>(
    fold: (aggregate: A | null, value: V, key: K) => A,
    { store, value }: AggregateOptions<A>,
  ): Table<Windowed<K>, A> {
    const { key, windows, emit } = this.parts;
    const node = addWindowedAggregate(this.graph, this.node, { key, value, windows, emit, store, fold });
    return new Table(this.graph, node, { key: windowed(key, windows.sizeMs), value });
  }
}

function computed<K, V>({ key, value }: Partial<Serdes<K, V>>, isRekeyed: boolean): StreamSerdes<K, V> {
  return { key: key ?? null, value: value ?? null, isRekeyed };
}

function serdeMissing(what: string, of: string): ClientError {
  return new ClientError('SERDE_MISSING', `${what}: it is not known how to write the ${of}; give its serde`);
}

function requireSameBuilder(graph: Graph, other: { readonly node: TopologyNode }): void {
  if (graph.nodes[other.node.index] === other.node) return;
  throw new ClientError('BAD_TOPOLOGY', 'what is put together comes from different builders');
}

function writtenAs<V>(serde: Serde<V> | null): Serde<V> {
  if (serde !== null) return serde;
  throw new ClientError(
    'SERDE_MISSING',
    'reduce: it is not known how to write the value; give its serde to groupBy',
  );
}
