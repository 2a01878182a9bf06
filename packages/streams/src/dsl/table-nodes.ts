import type { Change, FlowRecord } from '../topology/flow.ts';
import type { NodeContext, TopologyNode } from '../topology/topology-node.ts';
import type { Graph, Serdes } from './graph.ts';

type Getter<K, V> = (key: K) => V | null;

/** A table of what a source brings. */
export function addSourceTable<K, V>(
  graph: Graph,
  source: TopologyNode,
  serdes: Serdes<K, V>,
  store: string,
): TopologyNode {
  return graph.add('table', {
    parents: [source],
    stores: [{ name: store, kind: 'key-value' }],
    start: (context) => {
      const kept = context.keyValueStore(store, serdes.key, serdes.value);
      context.offerTable((key: K) => kept.get(key));
      return [
        (record: FlowRecord<K, V | null>) => {
          const before = kept.get(record.key);
          const after = record.value;
          if (after !== null) kept.set(record.key, after);
          else if (before !== null) kept.delete(record.key);
          forwardChange(context, record, before, after);
        },
      ];
    },
  });
}

/** A table of other values, or fewer, computed whenever they are asked for. */
export function addDerivedTable<K, V, W>(
  graph: Graph,
  kind: string,
  parent: TopologyNode,
  map: (value: V, key: K) => W | null,
): TopologyNode {
  const of = (given: V | null, key: K): W | null => (given === null ? null : map(given, key));
  return graph.add(kind, {
    parents: [parent],
    start: (context) => {
      const get = context.tableOf(parent) as Getter<K, V>;
      context.offerTable((key: K) => of(get(key), key));
      return [
        (record: FlowRecord<K, Change<V>>) => {
          const { before, after } = record.value;
          forwardChange(context, record, of(before, record.key), of(after, record.key));
        },
      ];
    },
  });
}

/** What the values of two tables make for each key, computed whenever it is asked for. */
export function addTableJoin<K, V, W, R>(
  graph: Graph,
  kind: string,
  parents: readonly [TopologyNode, TopologyNode],
  joiner: (left: V | null, right: W | null, key: K) => R | null,
): TopologyNode {
  return graph.add(kind, {
    parents,
    start: (context) => {
      const left = context.tableOf(parents[0]) as Getter<K, V>;
      const right = context.tableOf(parents[1]) as Getter<K, W>;
      context.offerTable((key: K) => joiner(left(key), right(key), key));
      return [
        (record: FlowRecord<K, Change<V>>) => {
          const [{ key }, beside] = [record, right(record.key)];
          const { before, after } = record.value;
          forwardChange(context, record, joiner(before, beside, key), joiner(after, beside, key));
        },
        (record: FlowRecord<K, Change<W>>) => {
          const [{ key }, beside] = [record, left(record.key)];
          const { before, after } = record.value;
          forwardChange(context, record, joiner(beside, before, key), joiner(beside, after, key));
        },
      ];
    },
  });
}

/** One value for each key, in which records are folded. */
export function addAggregate<K, V, A>(
  graph: Graph,
  parent: TopologyNode,
  { key, value }: Serdes<K, A>,
  store: string,
  fold: (aggregate: A | null, value: V, key: K) => A | null,
): TopologyNode {
  return graph.add('aggregate', {
    parents: [parent],
    stores: [{ name: store, kind: 'key-value' }],
    start: (context) => {
      const kept = context.keyValueStore(store, key, value);
      context.offerTable((given: K) => kept.get(given));
      return [
        (record: FlowRecord<K, V>) => {
          const before = kept.get(record.key);
          const after = fold(before, record.value, record.key);
          if (after !== null) kept.set(record.key, after);
          else if (before !== null) kept.delete(record.key);
          forwardChange(context, record, before, after);
        },
      ];
    },
  });
}

/** A stream's records with what a table has for their keys. */
export function addTableLookup<K, V, W, R>(
  graph: Graph,
  kind: string,
  parents: readonly [TopologyNode, TopologyNode],
  handle: (record: FlowRecord<K, V>, right: W | null, forward: (record: FlowRecord<K, R>) => void) => void,
): TopologyNode {
  return graph.add(kind, {
    parents,
    start: (context) => {
      const get = context.tableOf(parents[1]) as Getter<K, W>;
      return [
        (record: FlowRecord<K, V>) => handle(record, get(record.key), context.forward),
        () => undefined,
      ];
    },
  });
}

function forwardChange<K, V>(
  context: NodeContext,
  record: FlowRecord<K, unknown>,
  before: V | null,
  after: V | null,
): void {
  if (before !== null || after !== null) context.forward({ ...record, value: { before, after } });
}
